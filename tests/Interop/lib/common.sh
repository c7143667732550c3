# Results, bounded waiting, processes of this run and their end. Sourced by run.sh and compare.sh.

# To stderr, since checks swallow what their commands print.
say()  { printf '# %s\n' "$*" >&2; }
ok()   { printf 'ok - %s\n' "$SCENARIO: $*"; echo ok >>"$RESULTS"; }
fail() { printf 'not ok - %s: %s\n' "$SCENARIO: $1" "$2"; echo fail >>"$RESULTS"; }
skip() { printf 'skip - %s: %s\n' "$SCENARIO: $1" "$2"; echo skip >>"$RESULTS"; }

# check NAME REASON COMMAND...: ok when the command succeeds, else not ok with the reason. A reason that begins with @ is a
# command, run only then, whose output is the reason.
check() {
  local name=$1 reason=$2; shift 2
  if "$@" >/dev/null; then ok "$name"; return 0; fi
  case $reason in @*) reason=$(${reason#@} 2>&1 | tr '\n' ' ') ;; esac
  fail "$name" "$reason"
  return 1
}

# equal NAME EXPECTED ACTUAL
equal() {
  if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "expected '$2', got '$3'"; return 1; fi
}

# need NAME REASON COMMAND...: like check, but a failure ends the scenario: the rest would only repeat it.
need() { check "$@" || exit 0; }

# INTEROP_PATIENCE=N: every wait may take N times as long, for slow machines such as the guest of qemu.sh.
PATIENCE=${INTEROP_PATIENCE:-1}

# wait_until SECONDS COMMAND...: polls every 50 ms until the command succeeds.
wait_until() {
  local end=$(($(date +%s%N) + $1 * PATIENCE * 1000000000)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s%N)" -lt "$end" ] || return 1
    sleep 0.05
  done
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

not() { ! "$@"; }

PACKAGES="iproute2 iputils-ping nftables openssl eapoltest python3 procps freeradius freeradius-utils dnsmasq-base iperf3 tshark strongswan-charon strongswan-swanctl
  libstrongswan-standard-plugins libstrongswan-extra-plugins libcharon-extra-plugins libcharon-extauth-plugins"

# Installs what is missing; with everything there it touches no network.
ensure_packages() {
  local missing=() package
  for package in $PACKAGES; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing ${missing[*]}"
  # Packages start their daemons on installation; a policy of "do not" keeps the machine as it was.
  local policy=/usr/sbin/policy-rc.d made=
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=1; }
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"${TMPDIR:-/tmp}/interop-apt.log" 2>&1
  local code=$?
  [ -n "$made" ] && rm -f $policy
  [ $code -eq 0 ] || { tail -n 5 "${TMPDIR:-/tmp}/interop-apt.log" | sed 's/^/# /'; return 1; }
  rm -f "${TMPDIR:-/tmp}/interop-apt.log"
}

# start NAME NAMESPACE COMMAND...: runs in the background, output to $RUN/NAME.out, pid in $RUN/NAME.pid.
# Everything between here and the program execs in place, so the pid is the program's own.
start() {
  local name=$1 namespace=$2; shift 2
  ip netns exec "$namespace" "$@" >>"$RUN/$name.out" 2>&1 </dev/null &
  echo $! >"$RUN/$name.pid"
  disown $!
}

pid_of() { cat "$RUN/$1.pid" 2>/dev/null; }

running() {
  local pid; pid=$(pid_of "$1")
  [ -n "$pid" ] && [ -d "/proc/$pid" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null
}

signal() { local pid; pid=$(pid_of "$2"); [ -z "$pid" ] || kill "-$1" "$pid" 2>/dev/null; }

# stop NAME [SIGNAL]: ends a process of this run and waits for its exit; SIGKILL after 10 s.
stop() {
  running "$1" || { rm -f "$RUN/$1.pid"; return 0; }
  signal "${2:-TERM}" "$1"
  wait_until 10 not running "$1" || { signal KILL "$1"; wait_until 5 not running "$1"; }
  rm -f "$RUN/$1.pid"
}

in_ns() { local namespace=$1; shift; ip netns exec "$namespace" "$@"; }

make_run() {
  RUN=$(mktemp -d "${TMPDIR:-/tmp}/hi-XXXXXX")
  chmod 755 "$RUN"
  PREFIX=hi$$
  CLIENT=$PREFIX-client GATEWAY_NS=$PREFIX-headend AAA=$PREFIX-aaa LAN=$PREFIX-lan
  NAT=$PREFIX-nat INSIDE=$PREFIX-inside
  FAILED_BEFORE=$(grep -c fail "$RESULTS" 2>/dev/null)
}

end_run() {
  trap - EXIT INT TERM
  local pidfile name namespace
  # The headend says goodbye to its RADIUS servers: they go after it.
  if [ -e "$RUN/gateway.pid" ]; then
    signal CONT gateway
    stop gateway
  fi
  for pidfile in "$RUN"/*.pid; do
    [ -e "$pidfile" ] || continue
    name=$(basename "$pidfile" .pid)
    signal CONT "$name"
    signal TERM "$name"
  done
  for pidfile in "$RUN"/*.pid; do
    [ -e "$pidfile" ] && stop "$(basename "$pidfile" .pid)"
  done
  local left=""
  for namespace in "$CLIENT" "$GATEWAY_NS" "$AAA" "$LAN" "$NAT" "$INSIDE"; do
    [ -e "/run/netns/$namespace" ] || continue
    left="$left$(ip netns pids "$namespace" | xargs -r ps -o comm= -p | tr '\n' ' ')"
    ip netns delete "$namespace"
  done
  [ -z "$left" ] || fail "no process is left" "$left"
  if [ "$(grep -c fail "$RESULTS" 2>/dev/null)" != "$FAILED_BEFORE" ] && [ -e "$RUN/gateway.out" ]; then
    say "last lines of the gateway's log:"
    tail -n "${INTEROP_LOG_LINES:-15}" "$RUN/gateway.out" | sed 's/^/#   /'
  fi
  if [ -n "${INTEROP_KEEP:-}" ]; then say "kept $RUN"; else rm -rf "$RUN"; fi
}
