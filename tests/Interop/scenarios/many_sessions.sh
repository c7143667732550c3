# Many sessions at once, each with its interface, access lists, rate and routes, made by the load tool. CoA-Requests on all of them while others' traffic
# runs, and thousands of interfaces that come up and go down, round after round.
#
#   COA_SESSIONS COA_UNTOUCHED COA_RATE COA_SECONDS   MANY_SESSIONS MANY_ROUNDS   COA_REACHED=0.95: fail where less of the rate is reached (a machine of its own)

# Users load1, load2, ... with a list of their own, a rate and a network behind them.
many_accounts() {
  python3 - "$1" "${MANY_ACCOUNTS:-1000}" <<'PY'
import sys
directory, count = sys.argv[1], int(sys.argv[2])
with open(directory + "/authorize", "a") as authorize, open(directory + "/reply", "a") as reply:
    for n in range(1, count + 1):
        authorize.write(f'load{n} Cleartext-Password := "load-word"\n')
        reply.write(f'\nload{n}\n\tCisco-AVPair += "ip:inacl#1=permit udp any host 10.10.0.2 range 5000 {5002 + n}",\n\tCisco-AVPair += "ip:inacl#2=deny ip any 10.20.0.0/16",\n'
                    f'\tCisco-AVPair += "ip:inacl#3=permit ip any any",\n\tFramed-Route += "10.{100 + n // 256}.{n % 256}.0/24 0.0.0.0 1"\n')
PY
}

many_setup() { # many_setup ACCOUNTS
  MORE_ACCOUNTS=many_accounts MANY_ACCOUNTS=$1 ACCOUNTING=${ACCOUNTING:-yes} RADIUS_ACCOUNTING=" " RADIUS_LOG_AUTH=no DPD=300s
  EXTRA_SECTIONS="admission: { half-open: 100000, half-open-per-source: 100000, cookie-threshold: 100000 }"
  PROPOSALS=aes256-sha256-x25519
  DYNAMIC_AUTHOR="dynamic-author: { port: 3799, clients: [ { address: 192.0.2.1, secret: $DAC_SECRET } ] }"
  standard_setup
}

# many_logins NAME OPTION...: the load tool as process NAME, all of its users by number.
many_logins() {
  local name=$1; shift
  start "$name" "$CLIENT" dotnet "$LOAD_TOOL" --target $GATEWAY_V4 --user load%d --password load-word --ca "$RUN/pki/ca.pem" --timeout 60 --json "$RUN/$name.json" "$@"
}

load_json() { python3 -c 'import json,sys; value=json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."): value=value[name]
print(value)' "$RUN/$1.json" "$2"; }

# What many sessions could leave behind. The clients' own counters are not part of it.
many_left() {
  ip -n "$GATEWAY_NS" -o link show | sed 's/^[0-9]*: //; s/@if[0-9]*//'
  ip -n "$GATEWAY_NS" route show table all
  in_ns "$GATEWAY_NS" tc qdisc show
  in_ns "$GATEWAY_NS" nft -s list ruleset
}
many_left_is() { [ "$(many_left)" = "$1" ]; }
many_difference() { diff <(printf '%s\n' "$MANY_BEFORE") <(many_left) | head -n 6; }

many_tool() {
  LOAD_TOOL=${LOAD:-$ROOT/tests/Load/bin/Release/net10.0/headend-load.dll}
  [ -e "$LOAD_TOOL" ] || { skip "many sessions" "the load tool is not built"; return 1; }
}

scenario_coa_under_load() {
  only_ours "CoA under load" && many_tool || return
  local sessions=${COA_SESSIONS:-1000} untouched=${COA_UNTOUCHED:-100} rate=${COA_RATE:-200} seconds=${COA_SECONDS:-30} before result lost
  need setup "no setup" many_setup "$sessions"
  before=$(many_left) MANY_BEFORE=$before
  many_logins load --count "$sessions" --concurrency 32 --hold $((seconds + ${COA_GRACE:-25})) --delete --sessions "$RUN/established" \
    --traffic $LAN_V4:5002 --traffic-sessions "$untouched" --traffic-rate ${COA_TRAFFIC:-500}
  need "$sessions sessions" "@tail -n 5 $RUN/load.out" wait_until $((60 + sessions / 10)) eval '[ "$(wc -l <"$RUN/established")" -ge '"$sessions"' ]'
  headend show crypto session --json >"$RUN/sessions.json"
  local table; table=$(in_ns "$GATEWAY_NS" nft list tables | sed -n 's/^table inet \(headend-[0-9a-f]*\)$/\1/p' | head -n 1)
  in_ns "$GATEWAY_NS" python3 "$HERE/tools/coa_load.py" --sessions "$RUN/sessions.json" --untouched "$untouched" --table "$table" --rate "$rate" --seconds "$seconds" \
    --nft $((rate / 2)) 192.0.2.1 3799 "$DAC_SECRET" >"$RUN/coa.out" 2>&1
  local code=$?
  result=$(head -n 1 "$RUN/coa.out"); say "$result"
  check "each of $((rate * seconds)) answers is true in the kernel when it comes, each third command undone" "@cat $RUN/coa.out" test $code = 0
  if [ -n "${COA_REACHED:-}" ]; then
    check "$rate a second are reached" "$result" awk -v got="$(sed -n 's/.* rate=\([0-9.]*\).*/\1/p' <<<"$result")" -v want="$rate" "BEGIN { exit !(got >= want * $COA_REACHED) }"
  fi
  wait_until $((seconds + 90)) not running load
  say "$(grep '^traffic' "$RUN/load.out")"
  lost=$(load_json load traffic.lost)
  equal "untouched sessions lost no packet of $(load_json load traffic.sent)" "0 0" "$lost $(load_json load traffic.duplicated)"
  check "nothing is left" "@many_difference" wait_until 60 many_left_is "$before"
}

# The same, short: for every run.
scenario_coa_under_load_short() { COA_SESSIONS=60 COA_UNTOUCHED=15 COA_RATE=40 COA_SECONDS=8 COA_GRACE=8 COA_TRAFFIC=200 scenario_coa_under_load; }

scenario_many_interfaces() {
  only_ours "thousands of interfaces" && many_tool || return
  local sessions=${MANY_SESSIONS:-5000} rounds=${MANY_ROUNDS:-10} before
  need setup "no setup" many_setup "$sessions"
  before=$(many_left) MANY_BEFORE=$before
  many_logins load --count "$sessions" --concurrency 32 --hold 1 --delete --rounds "$rounds" --gateway-pid "$(pid_of gateway)"
  wait_until $((rounds * (60 + sessions / 15))) not running load
  grep '^round' "$RUN/load.out" | sed 's/^/# /'
  python3 "$HERE/tools/rounds_check.py" "$RUN/load.json" "$sessions" "$rounds" >"$RUN/rounds.out" 2>&1
  local line
  while read -r line; do
    case $line in ok*) ok "${line#ok }" ;; *) fail "${line#not ok }" "see the rounds above" ;; esac
  done <"$RUN/rounds.out"
  check "nothing is left" "@many_difference" wait_until 60 many_left_is "$before"
}
