# kill -9 with sessions that clients may come back to: all of them come back by session-id and token, nobody asks RADIUS, accounting goes on; and what a copy of the store is worth.
#
#   RESTART_SESSIONS=500

restart_setup() { # restart_setup ACCOUNTS
  MORE_ACCOUNTS=many_accounts MANY_ACCOUNTS=$1 RADIUS_LOG_AUTH=no DPD=300s PROPOSALS=aes256-sha256-x25519
  RETURNS="reconnect: { timeout: 30m }"
  EXTRA_SECTIONS="admission: { half-open: 100000, half-open-per-source: 100000, cookie-threshold: 100000 }"
  DYNAMIC_AUTHOR="dynamic-author: { port: 3799, clients: [ { address: 192.0.2.2, secret: $DAC_SECRET } ] }"
  standard_setup && in_ns "$AAA" nft -f - <<<'table inet asked { chain input { type filter hook input priority 0; udp dport 1812 counter; }; }'
}

restart_load() { # restart_load NAME OPTION...: a run of the load tool to its end; its exit code
  local name=$1; shift
  in_ns "$CLIENT" dotnet "$LOAD_TOOL" --target $GATEWAY_V4 --user load%d --password load-word --ca "$RUN/pki/ca.pem" --timeout 60 --json "$RUN/$name.json" "$@" >"$RUN/$name.out" 2>&1
}

# What a session keeps over a restart, by user.
restart_kept() {
  headend show crypto session --json | python3 -c '
import json, sys
for s in sorted(json.load(sys.stdin), key=lambda s: s["user"]):
    print(s["user"], s["id"], s["auditSessionId"], s["acctSessionId"], *s["assignedAddresses"])'
}
restart_count() { headend show crypto session --json | python3 -c 'import json,sys; print(sum(s["status"].startswith(sys.argv[1]) for s in json.load(sys.stdin)))' "$1"; }
restart_standing() { [ "$(virtual_devices | wc -w)" = "$1" ]; }
# Access-Requests that FreeRADIUS got, as the kernel before it counts them.
restart_requests() { in_ns "$AAA" nft list table inet asked | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p'; }

scenario_reconnect_restart() {
  only_ours "reconnect after kill -9" && many_tool || return
  local sessions=${RESTART_SESSIONS:-500} requests killed serving
  need setup "no setup" restart_setup "$sessions"
  restart_load login --count "$sessions" --concurrency 32 --save-returns "$RUN/returns"
  need "$sessions sessions that can be come back to" "@tail -n 5 $RUN/login.out" test "$(wc -l <"$RUN/returns")" = "$sessions"
  local revoked; revoked=$(restart_kept | awk '$1 == "load1" { print $4 }')
  equal "one is disconnected" ACK "$(radclient_asks disconnect "Acct-Session-Id = $revoked")"
  restart_kept >"$RUN/before"
  requests=$(restart_requests)
  check "RADIUS was asked for the logins" "$requests" test "$requests" -ge "$sessions"

  # What the server has taken leaves the disk some time later (AccountingLimits.RemovalDelay, 250 ms); a kill -9 before that rightly sends it again.
  check "accounting has taken what there is" "@headend show aaa accounting" wait_until 30 eval '[ "$(spool waiting)" = 0 ]'
  sleep 2

  stop gateway KILL
  killed=$(milliseconds)
  cp -r "$RUN/state" "$RUN/copy" && rm "$RUN/copy/headend.key"
  need "starts again" "see the log" start_headend
  serving=$(($(milliseconds) - killed))
  equal "all of the others wait for their clients" "$((sessions - 1))" "$(restart_count INACTIVE)"
  equal "with what they had" "" "$(restart_kept | diff "$RUN/before" - | head -n 5)"
  grep '^load1 ' "$RUN/returns" >"$RUN/revoked"; grep -v '^load1 ' "$RUN/returns" >"$RUN/kept"
  restart_load back --return-from "$RUN/kept" --concurrency 32 --save-returns "$RUN/again"
  check "all come back by their token" "@tail -n 5 $RUN/back.out" test "$(wc -l <"$RUN/again")" = "$((sessions - 1))"
  say "$((sessions - 1)) sessions: serving $serving ms after kill -9, all back $(($(milliseconds) - killed)) ms after it, of which the returns $(load_json back seconds) s; first login of all $(load_json login seconds) s"
  equal "interface number, ids and address of each" "" "$(restart_kept | diff "$RUN/before" - | head -n 5)"
  check "their interfaces stand" "$(virtual_devices | wc -w)" wait_until 30 restart_standing "$((sessions - 1))"
  equal "FreeRADIUS saw no Access-Request" "$requests" "$(restart_requests)"
  restart_load refused --return-from "$RUN/revoked"
  check "the one that was disconnected stays out" "@cat $RUN/refused.out" test $? = 1
  equal "FreeRADIUS still saw none" "$requests" "$(restart_requests)"
  check "one Stop, of the one that was disconnected" "$(records Stop)" wait_until 10 eval '[ "$(records Stop)" = 1 ]'
  equal "one Start each" "$sessions" "$(records Start)"
  equal "one Accounting-On, before any session" 1 "$(grep -c 'Acct-Status-Type = Accounting-On' "$RUN/radius1/detail")"

  stop gateway KILL
  rm -r "$RUN/state" && mv "$RUN/copy" "$RUN/state"
  equal "no token stands in the store" 0 "$(cut -d' ' -f2,3 "$RUN/returns" | tr ' ' '\n' | grep -cFf - <(strings -n 32 "$RUN"/state/headend.db*))"
  need "starts on a copy without the key" "see the log" start_headend
  equal "nobody's session is there" 0 "$(sessions)"
  check "the log says so" "@tail -n 3 $RUN/gateway.out" wait_until 5 grep -q 'event=sealed-records-dropped.*records=' "$RUN/gateway.out"
  restart_load useless --return-from "$RUN/again"
  check "nobody comes back" "@tail -n 5 $RUN/useless.out" eval '[ "$(load_json useless succeeded)" = 0 ]'
  check "each has its Stop" "$(records Stop)" wait_until 30 eval '[ "$(records Stop)" = "$sessions" ]'
}

# The same, short: for every run.
scenario_reconnect_restart_short() { RESTART_SESSIONS=40 scenario_reconnect_restart; }
