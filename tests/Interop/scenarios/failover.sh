# Show 4: the first RADIUS server dead, then both.

scenario_radius_failover() {
  RADIUS="$RADIUS_SILENT $RADIUS2" RADIUS_TIMEOUT=1s RADIUS_RETRANSMIT=1 STRONGSWAN_RADIUS_TIMEOUT=1.0 STRONGSWAN_RADIUS_TRIES=2
  make_topology; make_pki
  need setup "no setup" eval 'start_radius radius2 $RADIUS2 && start_lan_services && start_gateway'
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice; client_connection second mschapv2 bob)"
  local begin took
  if log_in client home 30; then
    ok "login over the second server"
  elif ours; then
    fail "login over the second server" "@why client home"
  else
    # charon gives the attempt up with the first server and turns to the second for the next login.
    say "strongSwan's first login failed with the dead server"
  fi
  begin=$(milliseconds)
  logs_in client second "the next login" 30
  took=$(($(milliseconds) - begin))
  check "the next login does not wait for the dead server ($took ms)" "it took $took ms" test $took -lt 1500
  check ping "no answer" pings "$CLIENT" $LAN_V4
}

# Sends liveness checks from the established client (its own DPD) and measures how fast each is answered.
scenario_waiting_logins() {
  local load=${LOAD:-$ROOT/tests/Load/bin/Release/net10.0/headend-load.dll}
  [ -e "$load" ] || { skip "500 waiting logins" "the load tool is not built"; return; }
  RADIUS="$RADIUS1 $RADIUS2" RADIUS_TIMEOUT=20s RADIUS_RETRANSMIT=1 STRONGSWAN_RADIUS_TIMEOUT=20.0 STRONGSWAN_RADIUS_TRIES=2 DEAD_TIME=10s
  make_topology; make_pki
  need setup "no setup" eval 'start_radius radius1 $RADIUS1 && start_radius radius2 $RADIUS2 && start_lan_services && start_gateway'
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice dpd=1s)"
  logs_in client home login
  signal STOP radius1; signal STOP radius2   # both silent from here on
  ip -n "$CLIENT" address add 198.51.100.20/24 dev eth0
  start load "$CLIENT" dotnet "$load" --target $GATEWAY_V4 --count 500 --rate 500 --concurrency 500 --user load --password load-word \
    --ca "$RUN/pki/ca.pem" --json "$RUN/load.json"
  if ours; then
    check "500 logins wait" "$(half_open) IKE SAs" wait_until 15 eval '[ "$(half_open)" -ge 400 ]'
  fi
  # The client asks once a second (its dpd_delay); the tool times each pair of request and response on the wire.
  start liveness "$CLIENT" python3 "$HERE/tools/liveness.py" eth0 $GATEWAY_V4 10
  wait_until 20 not running liveness
  check "liveness of the established session: $(tail -n 1 "$RUN/liveness.out")" "slower than 100 ms or unanswered" grep -q '^within' "$RUN/liveness.out"
  signal CONT radius1; signal CONT radius2
  stop load
}
