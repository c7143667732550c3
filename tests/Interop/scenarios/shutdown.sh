# Show 6: kill -9 and start again; kill -TERM.

scenario_kill_and_restart() {
  only_ours "kill -9 and restart" || return
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice; client_connection second mschapv2 bob)"
  logs_in client home "login alice"
  logs_in client second "login bob"
  # A neighbour's interface and route must survive our cleaning.
  ip -n "$GATEWAY_NS" tuntap add mode tun name vi900 && ip -n "$GATEWAY_NS" link set vi900 up
  ip -n "$GATEWAY_NS" route add 10.98.0.1/32 dev vi900
  stop gateway KILL
  need "starts again" "see the log" start_headend
  check "no session" @what_is_left test "$(sessions)" = 0
  equal "only the neighbour's device stays" vi900 "$(virtual_devices | tr '\n' ' ' | sed 's/ $//')"
  equal "our routes are gone" "" "$(client_routes)"
  check "the neighbour's route stays" "it is gone" eval 'ip -n "$GATEWAY_NS" route show 10.98.0.1 | grep -q vi900'
  swan client --terminate --ike home --force --timeout 2 >/dev/null 2>&1
  wait_until 10 no_sa client home
  logs_in client home "login after the restart"
  check ping "no answer" pings "$CLIENT" $LAN_V4
}

scenario_terminate() {
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice; client_connection second mschapv2 bob)"
  logs_in client home "login alice"
  logs_in client second "login bob"
  local begin; begin=$(milliseconds)
  stop gateway TERM
  check "the gateway ends within 10 s" "it took $(($(milliseconds) - begin)) ms" test $(($(milliseconds) - begin)) -lt 10000
  check "the clients get their Deletes" "SAs remain" wait_until 5 eval 'no_sa client home && no_sa client second'
  local user
  for user in alice bob; do
    check "Stop of $user" "no record" wait_until 5 has_record Stop User-Name=$user
    ours && check "its cause" "$(record Stop Acct-Terminate-Cause User-Name=$user)" \
      grep -qE 'NAS-Reboot|Admin-Reset|Admin-Reboot' <<<"$(record Stop Acct-Terminate-Cause User-Name=$user)"
  done
  ours && equal "no device stays" "" "$(virtual_devices)"
}
