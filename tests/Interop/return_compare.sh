#!/usr/bin/env bash
# Coming back against logging in: the gateway's CPU time and the latency of full EAP logins, of reconnects by session-id and token, and of resumptions by ticket (RFC 5723), in
# one run beside one FreeRADIUS, in rounds for a machine whose speed changes. The gateway has half of the processors for itself, load tool and FreeRADIUS the others: who shares
# one with the load tool pays for its caches. Writes the table to docs/performance.md between its marks.
#
#   tests/Interop/return_compare.sh [--print]      --print: table to standard output only
# COUNT=1500 clients   RATE=150 a second   ROUNDS=5 of everything   CASES="gateway-rsa:load gateway-ecdsa:load gateway-rsa:policy"   WAYS="Ticket Reconnect"
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
export LC_ALL=C
cd / || exit 1
for part in common topology pki radius gateway client traffic; do . "$HERE/lib/$part.sh"; done
LOAD=${LOAD:-$ROOT/out/load/headend-load.dll}
COUNT=${COUNT:-1500} RATE=${RATE:-150} ROUNDS=${ROUNDS:-5} SLEEP=26 PRINT=${1:-}
GATEWAY_CPUS=0-$(($(nproc) / 2 - 1)) OTHER_CPUS=$(($(nproc) / 2))-$(($(nproc) - 1))
[ "$(nproc)" -gt 1 ] || { echo "return_compare.sh: needs two processors" >&2; exit 1; }
[ -z "$PRINT" ] || [ "$PRINT" = --print ] || { echo "usage: return_compare.sh [--print]" >&2; exit 2; }

# All clients of this run share one address.
EXTRA_SECTIONS="admission: { half-open: 100000, half-open-per-source: 100000, cookie-threshold: 100000 }"
GATEWAY_FLUSH=no DPD=10s DPD_OPTIONS="retransmissions: 1" PROPOSALS=aes256-sha256-x25519 INTERIM=1h
RADIUS_LOG_AUTH=no
SCENARIO=return_compare RESULTS=$(mktemp "${TMPDIR:-/tmp}/hi-results-XXXXXX")
MORE_ACCOUNTS=policy_account
make_run
trap 'end_run; rm -f "$RESULTS"' EXIT
trap 'exit 143' INT TERM
ensure_packages || exit 1
[ -e "$LOAD" ] || { echo "no $LOAD: dotnet publish tests/Load -c Release -o out/load" >&2; exit 1; }

# Somebody whose interface gets an access list and rates from AAA, as sessions of a company do.
policy_account() {
  printf 'policy Cleartext-Password := "load-word"\n' >>"$1/authorize"
  cat >>"$1/reply" <<'REPLY'

policy
	Cisco-AVPair += "ip:inacl#1=permit udp any host 10.10.0.2 eq domain",
	Cisco-AVPair += "ip:inacl#2=deny ip any 10.20.0.0/16",
	Cisco-AVPair += "ip:inacl#3=permit ip any any",
	WISPr-Bandwidth-Max-Up := 20000000,
	WISPr-Bandwidth-Max-Down := 50000000
REPLY
}

run_on() { taskset -cp "$1" $$ >/dev/null; } # run_on PROCESSORS: this shell and what it starts from now on

offer() { # offer COUNT [OPTION...]
  timeout --foreground 200 ip netns exec "$CLIENT" dotnet "$LOAD" --target $GATEWAY_V4 --count "$1" --rate "$RATE" --concurrency 500 \
    --user "$WHO" --password load-word --ca "$RUN/pki/ca.pem" --timeout 30 --gateway-pid "$(pid_of gateway)" --radius-pid "$(pid_of radius1)" "${@:2}" >"$RUN/load.out" 2>&1
}

# way CERTIFICATE:USER WAY SECTION: lines "CERTIFICATE:USER WAY WAVE succeeded failed rate cpu radius-cpu p50 p99" to $RUN/figures.
way() {
  CERTIFICATE=${1%:*} WHO=${1#*:} RETURNS=$3
  run_on "$GATEWAY_CPUS"
  start_gateway || return 1
  run_on "$OTHER_CPUS"
  # Twice: the first calls for the optimized code, which is made in the quiet behind it.
  for _ in 1 2; do
    offer 500 --return "$2" --waves 2 --delete || { say "$2: warming up: $(tail -n 3 "$RUN/load.out")"; return 1; }
    sleep 2
  done
  offer "$COUNT" --return "$2" --waves 1 --sleep $SLEEP --delete || { say "$2: $(cat "$RUN/load.out")"; return 1; }
  grep -E '^(first-login|(asleep-)?(reconnect|ticket)) ' "$RUN/load.out" | sort -u | sed "s/^/$1 $2 /" | tee -a "$RUN/figures"
  wait_until 60 nothing_left || { say "$2: $(what_is_left)"; return 1; }
  stop gateway TERM
  rm -rf "$RUN/state" "$RUN/gateway"
}

run_on "$OTHER_CPUS"
make_topology && make_pki && start_radius radius1 $RADIUS1 || exit 1
: >"$RUN/figures"
for _ in $(seq "$ROUNDS"); do
  for case in ${CASES:-gateway-rsa:load gateway-ecdsa:load gateway-rsa:policy}; do
    for kind in ${WAYS:-Ticket Reconnect}; do
      case $kind in Ticket) section="session-resumption: { lifetime: 8h, timeout: 30m }" ;; *) section="reconnect: { timeout: 30m }" ;; esac
      way "$case" "$kind" "$section" || exit 1
    done
  done
done
python3 "$HERE/tools/return_table.py" "$RUN/figures" "$COUNT" "$RATE" >"$RUN/table.md" || exit 1
cat "$RUN/table.md"
[ -n "$PRINT" ] || python3 "$HERE/tools/return_table.py" --into "$ROOT/docs/performance.md" "$RUN/table.md"
