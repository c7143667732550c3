#!/usr/bin/env bash
# Show 8: our headend and Debian's strongSwan (eap-radius, tuned) under the same load in one run, beside the same FreeRADIUS, with the
# same RSA-2048 certificate and x25519 proposals. Writes the table to docs/performance.md.
#
#   tests/Interop/compare.sh [--quick] [--print]     --quick: short steps; --print: table to standard output only
# GATEWAYS="strongswan headend"   THREADS=64 SOCKETS=60   RATES="..." the offered rates, logins/s (RATES_headend="..." for one of them)   SECONDS_EACH=8
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
export LC_ALL=C
cd / || exit 1   # the clone may change under a long run
for part in common topology pki radius gateway client traffic; do . "$HERE/lib/$part.sh"; done
LOAD=${LOAD:-$ROOT/out/load/headend-load.dll}
SECONDS_EACH=${SECONDS_EACH:-8} WARM=${WARM:-3000} IPERF_SECONDS=10 PRINT=
for option; do
  case $option in
    --quick) SECONDS_EACH=3 WARM=500 IPERF_SECONDS=4 ;;
    --print) PRINT=yes ;;
    *) echo "usage: compare.sh [--quick] [--print]" >&2; exit 2 ;;
  esac
done

# What both gateways are set to. strongSwan's own limits against floods are off: all clients of this run share one address.
THREADS=${THREADS:-64} SOCKETS=${SOCKETS:-60} ACCOUNTING=no GATEWAY_LOG=0 GATEWAY_FLUSH=no HALF_OPEN=30
STRONGSWAN_PROPOSALS=aes256-sha256-x25519 PROPOSALS=aes256-sha256-x25519 DPD=300s
CHARON_OPTIONS="dos_protection = no
  block_threshold = 0
  cookie_threshold = 0
  init_limit_half_open = 0
  ikesa_table_size = 32768
  ikesa_table_segments = 256"
EXTRA_SECTIONS="admission: { half-open: 100000, half-open-per-source: 100000, cookie-threshold: 100000 }"
RADIUS_LOG_AUTH=no RADIUS_ACCOUNTING=""

SCENARIO=compare RESULTS=$(mktemp "${TMPDIR:-/tmp}/hi-results-XXXXXX")
make_run
trap 'end_run; rm -f "$RESULTS"' EXIT
trap 'exit 143' INT TERM
ensure_packages || exit 1
[ -e "$LOAD" ] || { echo "no $LOAD: dotnet publish tests/Load -c Release -o out/load" >&2; exit 1; }

# cpu_ms NAME: user and system time of a process so far. rss_kb NAME: its resident memory.
cpu_ms() { awk -v hertz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hertz) }' "/proc/$(pid_of "$1")/stat"; }
rss_kb() { awk '/^VmRSS:/ { print $2 }' "/proc/$(pid_of "$1")/status"; }

offer() { # offer COUNT RATE CONCURRENCY JSON [OPTION...]
  timeout --foreground 300 ip netns exec "$CLIENT" dotnet "$LOAD" --target $GATEWAY_V4 --count "$1" --rate "$2" --concurrency "$3" \
    --user load --password load-word --ca "$RUN/pki/ca.pem" --timeout 30 --json "$4" "${@:5}" >"$RUN/load.out" 2>&1
}

# strongSwan would retransmit thousands of Deletes to clients that are gone; ours gives its interfaces back in batches, which the kernel does not when it is killed.
end_gateway() {
  if [ "$GATEWAY" = strongswan ]; then stop gateway KILL; else stop gateway TERM; fi
}

fresh_gateway() {
  end_gateway
  rm -rf "$RUN/state" "$RUN/gateway"
  start_gateway || return 1
  offer $WARM 250 500 "$RUN/warm.json" --delete   # compiled code, open sockets, filled caches
}

# step RATE: one fresh gateway under one offered rate; prints "rate successes failures achieved cpu-per-login rss-per-session p50 p99".
step() { # step RATE [--whole]
  local rate=$1 count=${COUNT:-$(($1 * SECONDS_EACH))} cpu rss
  fresh_gateway >/dev/null || { echo "$rate 0 0 0 0 0 0 0"; return 1; }
  cpu=$(cpu_ms gateway) rss=$(rss_kb gateway)
  offer "$count" "$rate" "$((count < 2000 ? count : 2000))" "$RUN/step.json"
  python3 "$HERE/tools/load_result.py" "$RUN/step.json" "$rate" $(($(cpu_ms gateway) - cpu)) $(($(rss_kb gateway) - rss)) ${2:-}
}

iperf() { # iperf FLAGS...: Mbit/s through the tunnel, and the gateway's CPU ms per gigabyte
  local cpu; cpu=$(cpu_ms gateway)
  timeout --foreground $((IPERF_SECONDS + 20)) ip netns exec "$CLIENT" iperf3 -c $LAN_V4 -t $IPERF_SECONDS -J "$@" >"$RUN/iperf.json" 2>&1
  python3 - "$RUN/iperf.json" $(($(cpu_ms gateway) - cpu)) <<'PY'
import json, sys
end = json.load(open(sys.argv[1])).get("end", {}).get("sum_received", {})
print(round(end.get("bits_per_second", 0) / 1e6), round(int(sys.argv[2]) / max(end.get("bytes", 0) / 1e9, 1e-9)))
PY
}

measure() { # measure GATEWAY: lines "step ...", "tenfold ...", "iperf ..." to $RUN/GATEWAY.figures
  GATEWAY=$1
  local figures=$RUN/$1.figures rate line achieved best=0 missed=0
  : >"$figures"
  local rates=RATES_$1
  for rate in ${!rates:-${RATES:-100 200 300 350 400 450 500 550 600 650 700 750 800 850 900}}; do
    line=$(step "$rate"); say "$1 offered $line"
    echo "step $line" >>"$figures"
    read -r _ _ failures achieved _ <<<"$line"
    # Sustained: nobody failed and the rate kept up with the offer.
    if [ "$failures" = 0 ] && [ "$((achieved * 100))" -ge "$((rate * 95))" ]; then best=$rate missed=0; else missed=$((missed + 1)); fi
    [ $missed -ge 2 ] && break
  done
  [ $best -gt 0 ] || best=50
  line=$(COUNT=10000 step $((best * 10)) --whole); say "$1 ten times its best: $line"
  echo "tenfold $line" >>"$figures"

  end_gateway; rm -rf "$RUN/state" "$RUN/gateway"
  start_gateway || return 1
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)" || return 1
  if log_in client home; then
    line="$(iperf) $(iperf -R)"; say "$1 iperf3: up Mbit/s, CPU ms/GB, down Mbit/s, CPU ms/GB: $line"
    echo "iperf $line" >>"$figures"
  else
    say "$1: no login for iperf3: $(why client home)"
  fi
  stop client; end_gateway; rm -rf "$RUN/client" "$RUN/client.out"
}

make_topology && make_pki && start_radius radius1 $RADIUS1 || exit 1
start iperf "$LAN" iperf3 -s
for gateway in ${GATEWAYS:-strongswan headend}; do measure "$gateway"; done
arguments=("$RUN"/*.figures)
if [ -n "$PRINT" ]; then
  python3 "$HERE/tools/performance_table.py" "${arguments[@]}"
else
  # The other benchmarks' sections of the document stay.
  python3 "$HERE/tools/performance_table.py" "${arguments[@]}" >"$RUN/performance.md" \
    && { echo; sed -n '/^\(## \|<!-- \)/,$p' "$ROOT/docs/performance.md"; } >>"$RUN/performance.md" \
    && cp "$RUN/performance.md" "$ROOT/docs/performance.md" && cat "$ROOT/docs/performance.md"
fi
