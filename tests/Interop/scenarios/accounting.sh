# Show 2: what FreeRADIUS's detail file says about a session, against what the client and the LAN host counted.

records() { detail count "$RUN/radius1/detail" "$@"; }
record() { detail get "$RUN/radius1/detail" "$@"; }
has_record() { [ "$(records "$@")" -ge 1 ]; }

scenario_accounting() {
  INTERIM=1m INTERIM_SECONDS=4   # one minute is the shortest that our configuration allows
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  logs_in client home login
  count_on_lan 10.99.1.10
  count_on_client "$CLIENT" 10.99.1.10
  check "Start within 5 s" "no record" wait_until 5 has_record Start User-Name=alice
  # Sizes that nothing on the way fragments, at a rate that no queue refuses.
  check "UDP stream" "packets are missing" in_ns "$CLIENT" python3 "$HERE/tools/udp_echo.py" count $LAN_V4 5002 --rate 400 --packets 2000 --size 700
  check "TCP up" "failed" in_ns "$CLIENT" python3 "$HERE/tools/transfer.py" up $LAN_V4 5001 3000000 --rate 30000000
  check "TCP down" "failed" in_ns "$CLIENT" python3 "$HERE/tools/transfer.py" down $LAN_V4 5001 7000000 --rate 30000000
  check ping "no answer" pings "$CLIENT" $LAN_V4
  check "Interim within 75 s" "no record" wait_until 75 has_record Interim User-Name=alice
  ours && audit=$(session alice auditSessionId)
  log_out client home
  check "Stop within 5 s" "no record" wait_until 5 has_record Stop User-Name=alice

  local up_lan down_lan up_client down_client
  up_lan=$(counted "$LAN" from_client) down_lan=$(counted "$LAN" to_client)
  up_client=$(counted "$CLIENT" from_client) down_client=$(counted "$CLIENT" to_client)
  equal "client and LAN host counted the same (octets packets, up and down)" "$up_client $down_client" "$up_lan $down_lan"
  equal "Stop's octets and packets, in and out, are those counted" "$up_lan $down_lan" "$(detail octets "$RUN/radius1/detail" alice)"
  check "records agree with each other" "@detail story $RUN/radius1/detail alice" detail story "$RUN/radius1/detail" alice
  equal "Framed-IP-Address" 10.99.1.10 "$(record Stop Framed-IP-Address)"
  equal "terminate cause after the client's Delete" User-Request "$(record Stop Acct-Terminate-Cause)"
  if only_ours "Class and audit-session-id" "strongSwan sends neither"; then
    equal "Class, both values" "0x616c6963652d636c6173732d6f6e65 0x616c6963652d636c6173732d74776f" "$(record Stop Class | tr '\n' ' ' | sed 's/ $//')"
    check "audit-session-id" "none in the Stop" test -n "$(record Stop audit-session-id)"
    equal "audit-session-id is the one shown" "$audit" "$(record Stop audit-session-id)"
    equal "NAS-Identifier" gw1 "$(record Stop NAS-Identifier)"
    check "Acct-Session-Time" "$(record Stop Acct-Session-Time)" test "$(record Stop Acct-Session-Time)" -ge 5
  fi
}

# ends_with NAME USER CAUSE SECONDS: the user's Stop comes and names the cause.
ends_with() {
  if wait_until "$4" has_record Stop "User-Name=$2"; then
    equal "$1" "$3" "$(record Stop Acct-Terminate-Cause "User-Name=$2")"
  else
    fail "$1" "no Stop within $4 s"
  fi
}

scenario_terminate_causes() {
  need setup "no setup" standard_setup
  local user
  start_client client "$CLIENT" "$(for user in alice bob dave short idle; do client_connection $user mschapv2 $user; done)"
  for user in alice bob short idle; do logs_in client $user "login $user"; done
  log_out client alice
  ends_with "the client's Delete" alice User-Request 5
  if only_ours "clear, Session-Timeout and Idle-Timeout"; then
    headend clear crypto session user bob >"$RUN/clear.out" 2>&1 || fail "clear crypto session user bob" "$(tail -n 1 "$RUN/clear.out")"
    ends_with "clear crypto session" bob Admin-Reset 5
    check "the client got the Delete" "it still has the SA" wait_until 5 no_sa client bob
    ends_with "Session-Timeout of 6 s" short Session-Timeout 15
    ends_with "Idle-Timeout of 5 s" idle Idle-Timeout 20
    check "nothing left" @what_is_left wait_until 5 nothing_left
  fi
}

scenario_dead_client() {
  DPD=3s
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  logs_in client home login
  stop client KILL
  if ours; then
    ends_with "a client that vanished" alice Lost-Carrier 300
  else
    check "a client that vanished: Stop" "none within 300 s" wait_until 300 has_record Stop User-Name=alice
  fi
  check "nothing left" @what_is_left wait_until 5 nothing_left
}
