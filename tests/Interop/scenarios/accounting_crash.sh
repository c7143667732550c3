# Accounting that survives: kill -9, outages, slow servers.

# Accounting goes to a FreeRADIUS of its own (radius2), so that logins go on while it is down, through a proxy that can hold its answers back.
fire_setup() {
  eval "$(declare -f headend_configuration | sed '1s/.*/plain_configuration ()/')"
  headend_configuration() {
    plain_configuration | sed -e 's/servers: \[radius1, radius2\], dead-time: [0-9a-z]*/servers: [radius1]/' \
      -e '/^    - { name: corp/a\    - { name: books, servers: [radius2], dead-time: 10s }' \
      -e 's/name: acct-list, methods: \[group corp\]/name: acct-list, methods: [group books]/' \
      -e 's/^ikev2:/  accounting-spool: { checkpoint-interval: 1s }\nikev2:/'
  }
  eval "$(declare -f write_accounts | sed '1s/.*/plain_accounts ()/')"
  write_accounts() { plain_accounts "$1"; echo 'DEFAULT Cleartext-Password := "load-word"' >>"$1/authorize"; }
  RADIUS="$RADIUS1 $RADIUS_FAULTY" RADIUS_CLIENT=192.0.2.0/24 RADIUS_LOG_AUTH=no DATA_PLANE=none INTERIM=1m
  make_topology; make_pki
  echo 0 >"$RUN/delay"
  start_radius radius1 $RADIUS1 && start_radius radius2 $RADIUS2 && start_lan_services || return 1
  start proxy "$AAA" python3 "$HERE/tools/slow_udp.py" $RADIUS_FAULTY 1813 $RADIUS2 1813 "$RUN/delay"
  start_gateway
}

spool() { headend show aaa accounting --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
spool_empty() { [ "$(spool waiting)" = 0 ] && [ "$(spool openSessions)" = 0 ]; }
pause() { sleep "$(awk -v seed="$RANDOM" -v least="$1" -v most="$2" 'BEGIN { srand(seed); print least + rand() * (most - least) }')"; }

crash() { # the headend is killed at a random moment and started again
  pause "$1" "$2"
  stop gateway KILL
  start_headend || { fail "starts again" "see the log"; return 1; }
}

# under_fire SESSIONS RATE CHURN LEAST MOST
under_fire() {
  local load=${LOAD:-$ROOT/tests/Load/bin/Release/net10.0/headend-load.dll}
  [ -e "$load" ] || { skip "accounting under fire" "the load tool is not built"; return; }
  need setup "no setup" fire_setup
  start load "$CLIENT" dotnet "$load" --target $GATEWAY_V4:500 --count "$1" --rate "$2" --concurrency 2000 --user 'u%d' --password load-word \
    --ca "$RUN/pki/ca.pem" --churn "$3" --sessions "$RUN/sessions" --timeout 20 --json "$RUN/load.json"
  crash "$4" "$5" || return
  stop radius2
  crash "$4" "$5" || return
  echo 3 >"$RUN/delay"
  start_radius radius2 $RADIUS2
  crash "$4" "$5" || return
  stop radius2; start_radius radius2 $RADIUS2
  crash "$4" "$5" || return
  echo 0 >"$RUN/delay"
  crash "$4" "$5" || return
  check "the load ends" "it does not" wait_until 150 not running load
  say "$(head -n 2 "$RUN/load.out" | tr '\n' ' ')"
  check "every record is taken" "@headend show aaa accounting" wait_until 120 spool_empty
  stop gateway TERM
  check "Accounting-On for each start, Accounting-Off at the end" "@grep Accounting-O $RUN/radius2/detail" \
    eval '[ "$(grep -c "Acct-Status-Type = Accounting-On" "$RUN/radius2/detail")" -ge 6 ] && grep -q "Acct-Status-Type = Accounting-Off" "$RUN/radius2/detail"'
  local verdict; verdict=$(python3 "$HERE/tools/accounting_check.py" "$RUN/radius2/detail" "$RUN/sessions")
  check "one Start and one Stop a session, nothing missing: $(tail -n 1 <<<"$verdict")" "$(head -n 5 <<<"$verdict" | tr '\n' ';')" grep -q ' 0 faults' <<<"$verdict"
  check "enough sessions" "only $(wc -l <"$RUN/sessions")" test "$(wc -l <"$RUN/sessions")" -ge "$6"
}

scenario_accounting_under_fire() { only_ours "kill -9 under load" && under_fire 2800 28 1-20 10 18 2000; }

scenario_accounting_under_fire_short() { only_ours "kill -9 under load" && under_fire 500 25 1-6 2 4 200; }

# Real traffic before the kill: the Stop that the next start sends reports it.
scenario_accounting_after_crash() {
  only_ours "kill -9 and its Stop" || return
  eval "$(declare -f headend_configuration | sed '1s/.*/plain_configuration ()/')"
  headend_configuration() { plain_configuration | sed -e 's/^ikev2:/  accounting-spool: { checkpoint-interval: 1s }\nikev2:/'; }
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  logs_in client home login
  check Start "no record" wait_until 10 has_record Start User-Name=alice
  local id before
  id=$(session alice acctSessionId)
  check ping "no answer" in_ns "$CLIENT" ping -c 20 -i 0.1 -s 500 -I 10.99.1.10 $LAN_V4
  sleep 3   # two checkpoints
  before="$(session alice inOctets) $(session alice outOctets)"
  stop gateway KILL
  need "starts again" "see the log" start_headend
  check "its Stop after the restart" "no record" wait_until 20 has_record Stop User-Name=alice
  equal "cause" NAS-Reboot "$(record Stop Acct-Terminate-Cause)"
  equal "of the same session" "$id" "$(record Stop Acct-Session-Id)"
  equal "counters of the last checkpoint, in and out" "$before" "$(record Stop Acct-Input-Octets) $(record Stop Acct-Output-Octets)"
  check "traffic was counted" "$before" test "${before%% *}" -ge 10000
  check "Accounting-On twice" "missing" wait_until 10 eval '[ "$(grep -c "Acct-Status-Type = Accounting-On" "$RUN/radius1/detail")" = 2 ]'
}
