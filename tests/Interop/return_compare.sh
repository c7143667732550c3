#!/usr/bin/env bash
# Coming back against logging in: the gateway's CPU time and the latency of full EAP logins, of reconnects by session-id and token, and of resumptions by ticket (RFC 5723), in
# one run beside one FreeRADIUS. Writes the table to docs/performance.md between its marks.
#
#   tests/Interop/return_compare.sh [--print]      --print: table to standard output only
# COUNT=1500 clients   RATE=250 a second   CERTIFICATES="gateway-rsa gateway-ecdsa"
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
export LC_ALL=C
cd / || exit 1
for part in common topology pki radius gateway client traffic; do . "$HERE/lib/$part.sh"; done
LOAD=${LOAD:-$ROOT/out/load/headend-load.dll}
COUNT=${COUNT:-1500} RATE=${RATE:-250} SLEEP=26 PRINT=${1:-}
[ -z "$PRINT" ] || [ "$PRINT" = --print ] || { echo "usage: return_compare.sh [--print]" >&2; exit 2; }

# All clients of this run share one address.
EXTRA_SECTIONS="admission: { half-open: 100000, half-open-per-source: 100000, cookie-threshold: 100000 }"
GATEWAY_FLUSH=no DPD=10s DPD_OPTIONS="retransmissions: 1" PROPOSALS=aes256-sha256-x25519 INTERIM=1h
RADIUS_LOG_AUTH=no
SCENARIO=return_compare RESULTS=$(mktemp "${TMPDIR:-/tmp}/hi-results-XXXXXX")
make_run
trap 'end_run; rm -f "$RESULTS"' EXIT
trap 'exit 143' INT TERM
ensure_packages || exit 1
[ -e "$LOAD" ] || { echo "no $LOAD: dotnet publish tests/Load -c Release -o out/load" >&2; exit 1; }

offer() { # offer COUNT [OPTION...]
  timeout --foreground 200 ip netns exec "$CLIENT" dotnet "$LOAD" --target $GATEWAY_V4 --count "$1" --rate "$RATE" --concurrency 500 \
    --user load --password load-word --ca "$RUN/pki/ca.pem" --timeout 30 --gateway-pid "$(pid_of gateway)" "${@:2}" >"$RUN/load.out" 2>&1
}

# way CERTIFICATE WAY SECTION: lines "CERTIFICATE WAVE succeeded failed rate cpu p50 p99" to $RUN/figures.
way() {
  CERTIFICATE=$1 RETURNS=$3
  start_gateway || return 1
  offer 500 --return "$2" --waves 2 --delete || { say "$2: warming up: $(tail -n 3 "$RUN/load.out")"; return 1; }
  offer "$COUNT" --return "$2" --waves 1 --sleep $SLEEP --delete || { say "$2: $(cat "$RUN/load.out")"; return 1; }
  grep -E '^(first-login|(asleep-)?(reconnect|ticket)) ' "$RUN/load.out" | sort -u | sed "s/^/$1 $2 /" | tee -a "$RUN/figures"
  stop gateway TERM
  rm -rf "$RUN/state" "$RUN/gateway"
}

make_topology && make_pki && start_radius radius1 $RADIUS1 || exit 1
: >"$RUN/figures"
for certificate in ${CERTIFICATES:-gateway-rsa gateway-ecdsa}; do
  way "$certificate" Ticket "session-resumption: { lifetime: 8h, timeout: 30m }" || exit 1
  way "$certificate" Reconnect "reconnect: { timeout: 30m }" || exit 1
done
python3 "$HERE/tools/return_table.py" "$RUN/figures" "$COUNT" "$RATE" >"$RUN/table.md" || exit 1
cat "$RUN/table.md"
[ -n "$PRINT" ] || python3 "$HERE/tools/return_table.py" --into "$ROOT/docs/performance.md" "$RUN/table.md"
