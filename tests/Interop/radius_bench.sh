#!/usr/bin/env bash
# RADIUS requests per second: the headend's client and Debian's radclient, each against an echo server and against the same FreeRADIUS, in one run on loopback; then
# accounting records per second through the headend's spool and from radclient, which keeps nothing.
#
#   dotnet publish tests/Load -c Release -o out/load && tests/Interop/radius_bench.sh      COUNT=200000 (requests of the headend's client; a quarter of it are sessions and radclient's)
#   SPOOL=DIRECTORY (of the disk to measure)
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
# The remedy of CVE-2024-3596, which this FreeRADIUS may not know by itself.
RADIUS_POST_AUTH="update reply {
			&Message-Authenticator := 0x00
		}" RADIUS_LOG_AUTH=no RADIUS_MORE_CLIENTS="client local {
	ipaddr = 127.0.0.1
	secret = $RADIUS_SECRET
	require_message_authenticator = yes
}" start_radius radius1 127.0.0.1 || exit 1
start echo "$AAA" "$LOAD" radius-echo --port $ECHO_PORT --secret "$RADIUS_SECRET"
wait_until 20 grep -q ready "$RUN/echo.out" || exit 1

field() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p"; }

headend_client() { # headend_client PORT: "requests/s CPU-us"
  local line
  line=$(in_ns "$AAA" timeout 300 "$LOAD" radius --server "127.0.0.1:$1" --secret "$RADIUS_SECRET" --count "$COUNT" --concurrency "$PARALLEL") || echo "# $line" >&2
  echo "$(field per-second <<<"$line") $(field cpu-us <<<"$line")"
}

radclient_client() { # radclient_client PORT [acct]
  local requests=$((COUNT / 4)) kind=${2:-auth} began took used
  [ -e "$RUN/requests.$kind" ] || for ((i = 0; i < requests; i++)); do
    if [ "$kind" = auth ]; then
      printf 'Message-Authenticator = 0x00\nUser-Name = "load"\nUser-Password = "load-word"\nNAS-Port = 0\nNAS-Identifier = "load"\n\n'
    else
      printf 'Acct-Status-Type = Start\nUser-Name = "load%d"\nAcct-Session-Id = "load%d"\nNAS-Port = 0\nNAS-Identifier = "load"\nFramed-IP-Address = 10.99.0.1\n\n' $i $i
    fi
  done >"$RUN/requests.$kind"
  began=$(date +%s%N)
  used=$({ TIMEFORMAT='%U %S'; time ip netns exec "$AAA" radclient -q -s -p "$PARALLEL" -f "$RUN/requests.$kind" "127.0.0.1:$1" $kind "$RADIUS_SECRET" >"$RUN/radclient.out" 2>&1; } 2>&1)
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

spool() { # spool PORT: "records/s CPU-us records-per-commit p50 p99 retransmissions"
  local line
  line=$(in_ns "$AAA" timeout 300 "$LOAD" accounting --server "127.0.0.1:$1" --secret "$RADIUS_SECRET" --count $((COUNT / 4)) --concurrency "$PARALLEL" --directory "${SPOOL:-$RUN}") || echo "# $line" >&2
  echo "$(field per-second <<<"$line") $(field cpu-us <<<"$line") $(field records-per-commit <<<"$line") $(field start-p50-ms <<<"$line") $(field start-p99-ms <<<"$line") $(field retransmissions <<<"$line")"
}

echo
echo "| accounting | server | records/s | client CPU, µs a record | records a commit | a Start on disk after, p50 / p99 ms | sent again |"
echo "|---|---|---:|---:|---:|---:|---:|"
for server in "echo $ECHO_PORT" "FreeRADIUS 1813"; do
  set -- $server
  read -r rate cpu batch p50 p99 again <<<"$(spool "$2")"
  echo "| Headend's spool, $PARALLEL sessions at a time | $1 | $rate | $cpu | $batch | $p50 / $p99 | $again |"
  read -r rate cpu <<<"$(radclient_client "$2" acct)"
  echo "| radclient -p $PARALLEL, keeps nothing | $1 | $rate | $cpu | | | |"
done
