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
for part in common topology pki radius gateway client traffic; do . "$HERE/lib/$part.sh"; done
for part in "$HERE"/scenarios/*.sh; do . "$part"; done

# Within the time a continuous integration run has; the others run with --all.
SMOKE="mschapv2 eap_tls eap_ttls eap_gtc eap_md5 method_without_key_refused ecdsa nat ipv6_transport inner_ipv6 fragments
  rekey_by_client rekey_by_server accounting terminate_causes wrong_password unknown_user eap_timeout
  radius_silent radius_wrong_secret radius_without_message_authenticator radius_failover kill_and_restart terminate zero_configuration"
SLOW="dead_client waiting_logins"

seconds_for() { case $1 in waiting_logins|dead_client|rekey_by_server) echo 420 ;; *) echo 240 ;; esac; }

if [ "${1:-}" = --one ]; then
  SCENARIO=$2 RESULTS=$3
  make_run
  trap 'end_run' EXIT
  trap 'exit 143' INT TERM
  "scenario_$SCENARIO"
  exit 0
fi

case ${1:-} in
  --list) printf '%s\n' $SMOKE $SLOW; exit 0 ;;
  --smoke) chosen=$SMOKE ;;
  --all|"") chosen="$SMOKE $SLOW" ;;
  *) chosen=$* ;;
esac

RESULTS=$(mktemp "${TMPDIR:-/tmp}/hi-results-XXXXXX")
trap 'rm -f "$RESULTS"' EXIT
SCENARIO=interop
if [ "$(id -u)" != 0 ] || ! ip netns add "hi$$-probe" 2>/dev/null; then
  skip "all scenarios" "network namespaces need root"
  echo "interop: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
ip netns delete "hi$$-probe"
ensure_packages || fail packages "could not be installed"

before=$(ip netns list | sort; ls -d "${TMPDIR:-/tmp}"/hi-[A-Za-z0-9]????? 2>/dev/null)
for SCENARIO in $chosen; do
  begin=$(milliseconds)
  declare -F "scenario_$SCENARIO" >/dev/null || { fail scenario "there is no such scenario"; continue; }
  timeout -k 30 "$(seconds_for "$SCENARIO")" bash "$HERE/run.sh" --one "$SCENARIO" "$RESULTS"
  code=$?
  [ $code = 0 ] || fail "ran to its end" "exit code $code (124: out of time)"
  say "$SCENARIO took $((($(milliseconds) - begin) / 1000)) s"
done
SCENARIO=interop
after=$(ip netns list | sort; ls -d "${TMPDIR:-/tmp}"/hi-[A-Za-z0-9]????? 2>/dev/null)
[ -n "${INTEROP_KEEP:-}" ] || equal "namespaces and files are as before" "$before" "$after"

count() { grep -c "^$1$" "$RESULTS"; }
echo "interop: $(count ok) passed, $(count fail) failed, $(count skip) skipped"
[ "$(count fail)" = 0 ]
