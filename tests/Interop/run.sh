#!/usr/bin/env bash
# Interop in network namespaces: Debian's strongSwan as client, FreeRADIUS as AAA, a LAN host, and the gateway between.
#
#   tests/Interop/run.sh [--list | --smoke | --all | SCENARIO...]
#
# GATEWAY=headend (default) | strongswan   HEADEND=out/headend   MEGABYTES=100   INTEROP_KEEP=1 keeps the run's directory
# Needs root. Prints `ok - `, `not ok - ` and `skip - ` lines, then `interop: N passed, N failed, N skipped`.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
export LC_ALL=C
cd / || exit 1   # the clone may change under a long run
for part in common topology pki radius gateway client traffic; do . "$HERE/lib/$part.sh"; done
for part in "$HERE"/scenarios/*.sh; do . "$part"; done

# Within the time a continuous integration run has; the others run with --all.
SMOKE="mschapv2 eap_tls eap_ttls eap_gtc eap_md5 method_without_key_refused ecdsa nat nat_rebinding path_mtu dhcpinform ipv6_transport inner_ipv6 fragments narrowing
  rekey_by_client rekey_without_pfs rekey_by_server accounting accounting_after_crash accounting_under_fire_short terminate_causes wrong_password unknown_user eap_timeout
  radius_silent radius_wrong_secret radius_without_message_authenticator radius_failover waiting_logins dead_client
  radsec radius_blast mfa_push
  disconnect coa anyconnect simultaneous access_lists access_list_coa attributes attribute_refusals termination_action
  psk psk_asymmetric psk_refused psk_profiles
  certificate certificate_refused certificate_ocsp certificate_eap
  authorization_psk authorization_psk_refused authorization_group_user authorization_refused
  local_eap_mschapv2 local_eap_gtc local_eap_md5 local_eap_tls local_eap_refusals
  pools dhcp
  client_resume client_resume_expired client_resume_restart auto_reconnect reconnect_restart_short
  interfaces nat_policy qos coa_under_load_short kill_and_restart terminate zero_configuration"
SLOW="reconnect_restart interface_changes accounting_under_fire qos_actions xfrm xfrm_interfaces xfrm_rates xfrm_tests gre
  coa_under_load many_interfaces anyconnect_certificate"

# Mostly timers that run off: with --smoke and --all they run beside the others, one after the other. None of them measures.
BESIDE="dead_client rekey_by_server rekey_by_client rekey_without_pfs accounting eap_timeout client_resume auto_reconnect client_resume_expired client_resume_restart radius_silent mfa_push termination_action simultaneous dhcp terminate_causes
  local_eap_refusals"

seconds_for() { local seconds; seconds=$(seconds_at_ease "$1"); echo $((seconds * PATIENCE)); }
seconds_at_ease() { case $1 in xfrm_interfaces) echo 3500 ;; xfrm) echo 1700 ;; xfrm_tests) echo 1200 ;; gre|xfrm_rates) echo 1000 ;; coa_under_load) echo 900 ;; many_interfaces) echo 4500 ;; waiting_logins|dead_client|rekey_by_server|accounting_under_fire|radius_blast|mfa_push|qos|qos_actions) echo 420 ;; *) echo 240 ;; esac; }

if [ "${1:-}" = --one ]; then
  SCENARIO=$2 RESULTS=$3
  make_run
  echo "$PREFIX $RUN" >>"$RESULTS.made"
  trap 'end_run' EXIT
  trap 'exit 143' INT TERM
  "scenario_$SCENARIO"
  exit 0
fi

case ${1:-} in
  --list) printf '%s\n' $SMOKE $SLOW; exit 0 ;;
  --smoke) chosen=$SMOKE ;;
  --all|"") chosen="$SMOKE $SLOW"; export MFA_SECONDS=${MFA_SECONDS:-75} ;;
  *) chosen=$* ;;
esac

RESULTS=$(mktemp "${TMPDIR:-/tmp}/hi-results-XXXXXX")
# sweep: ends what a killed scenario left in its own namespaces and says what that was.
sweep() {
  local prefix directory namespace
  while read -r prefix directory; do
    for namespace in $(ip netns list | grep -o "^$prefix-[a-z]*"); do
      echo "$namespace"
      ip netns pids "$namespace" | xargs -r kill -KILL
      ip netns delete "$namespace"
    done
    [ ! -e "$directory" ] || [ -n "${INTEROP_KEEP:-}" ] || { echo "$directory"; rm -rf "$directory"; }
  done <"$RESULTS.made"
}

# lane SCENARIO...: one after the other, each in a process of its own.
lane() {
  local begin code child=
  trap '[ -z "$child" ] || { kill -TERM "$child" 2>/dev/null; wait "$child"; }; exit 143' INT TERM
  for SCENARIO in "$@"; do
    begin=$(milliseconds)
    declare -F "scenario_$SCENARIO" >/dev/null || { fail scenario "there is no such scenario"; continue; }
    timeout -k 30 "$(seconds_for "$SCENARIO")" bash "$HERE/run.sh" --one "$SCENARIO" "$RESULTS" &
    child=$!
    wait $child
    code=$? child=
    [ $code = 0 ] || fail "ran to its end" "exit code $code (124: out of time)"
    say "$SCENARIO took $((($(milliseconds) - begin) / 1000)) s"
  done
}

lanes=()
trap 'rm -f "$RESULTS" "$RESULTS.made"' EXIT
trap '[ ${#lanes[@]} = 0 ] || { kill -TERM "${lanes[@]}" 2>/dev/null; wait "${lanes[@]}"; }; sweep; exit 143' INT TERM
: >"$RESULTS.made"
SCENARIO=interop
if [ "$(id -u)" != 0 ] || ! ip netns add "hi$$-probe" 2>/dev/null; then
  skip "all scenarios" "network namespaces need root"
  echo "interop: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
ip netns delete "hi$$-probe"
ensure_packages || fail packages "could not be installed"

beside=""
case ${1:-} in
  --smoke|--all|"")
    for SCENARIO in $BESIDE; do
      case " ${chosen//$'\n'/ } " in *" $SCENARIO "*) beside="$beside $SCENARIO"; chosen=$(printf '%s\n' $chosen | grep -vx "$SCENARIO") ;; esac
    done ;;
esac
lane $beside & lanes+=($!)
lane $chosen & lanes+=($!)
wait "${lanes[@]}"
SCENARIO=interop
left=$(sweep)
[ -n "${INTEROP_KEEP:-}" ] || equal "no namespace and no file of these runs is left" "" "$left"

count() { grep -c "^$1$" "$RESULTS"; }
echo "interop: $(count ok) passed, $(count fail) failed, $(count skip) skipped"
[ "$(count fail)" = 0 ]
