#!/usr/bin/env bash
# Show 7: throughput and CPU of the user-space ESP data plane beside strongSwan's kernel-libipsec gateway in one run: the same client, the same AES-256-GCM, iperf3 with
# TCP (one and four streams, both ways) and UDP of 64, 512 and 1400 octets. Writes the table to docs/performance.md between its marks.
#
#   tests/Interop/esp_compare.sh [--print]      --print: table to standard output only
# GATEWAYS="strongswan headend"   IPERF_SECONDS=10
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
export LC_ALL=C
cd / || exit 1
for part in common topology pki radius gateway client traffic; do . "$HERE/lib/$part.sh"; done
IPERF_SECONDS=${IPERF_SECONDS:-10} PRINT=${1:-}
[ -z "$PRINT" ] || [ "$PRINT" = --print ] || { echo "usage: esp_compare.sh [--print]" >&2; exit 2; }
ACCOUNTING=no GATEWAY_LOG=0 GATEWAY_FLUSH=no DPD=300s
STRONGSWAN_PROPOSALS=aes256-sha256-x25519 PROPOSALS=aes256-sha256-x25519
SCENARIO=esp_compare RESULTS=$(mktemp "${TMPDIR:-/tmp}/hi-results-XXXXXX")
make_run
trap 'end_run; rm -f "$RESULTS"' EXIT
trap 'exit 143' INT TERM
ensure_packages || exit 1

cpu_ms() { awk -v hertz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hertz) }' "/proc/$(pid_of "$1")/stat"; }

# through NAME FLAGS...: a line "NAME Mbit/s, gateway CPU in ms per gigabyte, kilopackets/s".
through() {
  local name=$1 cpu; shift
  cpu=$(cpu_ms gateway)
  timeout --foreground $((IPERF_SECONDS + 20)) ip netns exec "$CLIENT" iperf3 -c $LAN_V4 -t "$IPERF_SECONDS" -J "$@" >"$RUN/iperf.json" 2>"$RUN/iperf.err"
  python3 "$HERE/tools/iperf_figures.py" "$name" "$RUN/iperf.json" $(($(cpu_ms gateway) - cpu)) | tee -a "$RUN/$GATEWAY.esp"
}

measure() {
  GATEWAY=$1
  : >"$RUN/$1.esp"
  start_gateway || return 1
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)" || return 1
  log_in client home || { say "$1: no login: $(why client home)"; return 1; }
  say "$1"
  through tcp-1-up -P 1
  through tcp-1-down -P 1 -R
  through tcp-4-up -P 4
  through tcp-4-down -P 4 -R
  local octets
  for octets in 64 512 1400; do
    # Packets of so many octets: IPv4 and UDP headers are 28 of them.
    through "udp-$octets-up" -u -b 0 -l $((octets - 28))
    through "udp-$octets-down" -u -b 0 -l $((octets - 28)) -R
  done
  stop client
  if [ "$GATEWAY" = strongswan ]; then stop gateway KILL; else stop gateway TERM; fi
  rm -rf "$RUN/client" "$RUN/client.out" "$RUN/state" "$RUN/gateway"
}

make_topology && make_pki && start_radius radius1 $RADIUS1 || exit 1
start iperf "$LAN" iperf3 -s
for gateway in ${GATEWAYS:-strongswan headend}; do measure "$gateway" || exit 1; done
python3 "$HERE/tools/esp_table.py" "$RUN/strongswan.esp" "$RUN/headend.esp" >"$RUN/table.md" || exit 1
cat "$RUN/table.md"
[ -n "$PRINT" ] || python3 "$HERE/tools/esp_table.py" --into "$ROOT/docs/performance.md" "$RUN/table.md"
