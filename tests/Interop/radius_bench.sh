#!/usr/bin/env bash
# RADIUS requests per second: the headend's client and Debian's radclient, each against an echo server and against the same FreeRADIUS, in one run on loopback.
#
#   dotnet publish tests/Load -c Release -o out/load && tests/Interop/radius_bench.sh      COUNT=200000 (requests of the headend's client; radclient sends a tenth)
#
# Prints a Markdown table. Needs root for the network namespace.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
export LC_ALL=C
for part in common topology pki radius; do . "$HERE/lib/$part.sh"; done
LOAD=${LOAD:-$ROOT/out/load/headend-load} COUNT=${COUNT:-200000} PARALLEL=${PARALLEL:-256} ECHO_PORT=11812
[ -x "$LOAD" ] || { echo "no $LOAD: dotnet publish tests/Load -c Release -o out/load" >&2; exit 2; }
SCENARIO=bench RESULTS=$(mktemp)
PACKAGES="$PACKAGES freeradius-utils" ensure_packages || exit 1
make_run
trap 'end_run; rm -f "$RESULTS"' EXIT
add_namespace "$AAA"
make_pki || exit 1
RADIUS_LOG_AUTH=no RADIUS_MORE_CLIENTS="client local {
	ipaddr = 127.0.0.1
	secret = $RADIUS_SECRET
	require_message_authenticator = yes
}" start_radius radius1 127.0.0.1 || exit 1
start echo "$AAA" "$LOAD" radius-echo --port $ECHO_PORT --secret "$RADIUS_SECRET"
wait_until 20 grep -q ready "$RUN/echo.out" || exit 1

field() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p"; }

headend_client() { # headend_client PORT: "requests/s CPU-us"
  local line
  line=$(in_ns "$AAA" "$LOAD" radius --server "127.0.0.1:$1" --secret "$RADIUS_SECRET" --count "$COUNT" --concurrency "$PARALLEL") || echo "# $line" >&2
  echo "$(field per-second <<<"$line") $(field cpu-us <<<"$line")"
}

radclient_client() { # radclient_client PORT
  local requests=$((COUNT / 10)) began took used
  [ -e "$RUN/requests" ] || for ((i = 0; i < requests; i++)); do
    printf 'Message-Authenticator = 0x00\nUser-Name = "load"\nUser-Password = "load-word"\nNAS-Port = 0\nNAS-Identifier = "load"\n\n'
  done >"$RUN/requests"
  began=$(date +%s%N)
  used=$({ TIMEFORMAT='%U %S'; time ip netns exec "$AAA" radclient -q -s -p "$PARALLEL" -f "$RUN/requests" "127.0.0.1:$1" auth "$RADIUS_SECRET" >"$RUN/radclient.out" 2>&1; } 2>&1)
  took=$(($(date +%s%N) - began))
  grep -qE "(Approved|Accepted) *: $requests" "$RUN/radclient.out" || sed 's/^/# /' "$RUN/radclient.out" >&2
  awk -v n="$requests" -v t="$took" -v u="$used" 'BEGIN { split(u, c, " "); printf "%.0f %.1f\n", n * 1e9 / t, (c[1] + c[2]) * 1e6 / n }'
}

echo "| client | server | requests/s | client CPU, µs a request |"
echo "|---|---|---:|---:|"
for server in "echo $ECHO_PORT" "FreeRADIUS 1812"; do
  set -- $server
  for client in headend_client radclient_client; do
    read -r rate cpu <<<"$($client "$2")"
    case $client in headend_client) name="Headend's, $PARALLEL in flight" ;; *) name="radclient -p $PARALLEL" ;; esac
    echo "| $name | $1 | $rate | $cpu |"
  done
done
