# Dynamic authorization (RFC 5176) and simultaneous sessions against live strongSwan sessions: radclient for what radclient can do, dac.py for what it cannot.

DAC_SECRET=another-secret-of-27-octets
DYNAMIC_AUTHOR_LINE="dynamic-author: { port: 3799, ports: [1700], clients: [ { address: 192.0.2.2, secret: $DAC_SECRET }, { address: \"2001:db8:aa::/64\", secret: $DAC_SECRET } ] }"

# radclient_asks disconnect|coa ATTRIBUTE...: prints ACK, `NAK NAME-OF-CAUSE` or silence. Port with DAC_PORT.
radclient_asks() {
  local code=$1 line; shift
  { for line; do echo "$line"; done; echo "Message-Authenticator = 0x00"; echo "Event-Timestamp = $(date +%s)"; } >"$RUN/radclient.in"
  in_ns "$AAA" radclient -x -r 1 -t "${RADCLIENT_WAIT:-$((8 * PATIENCE))}" -f "$RUN/radclient.in" "192.0.2.1:${DAC_PORT:-3799}" "$code" "${DAC_SECRET_USED:-$DAC_SECRET}" >"$RUN/radclient.out" 2>&1
  if grep -q 'Received .*-ACK' "$RUN/radclient.out"; then echo ACK
  elif grep -q 'Received .*-NAK' "$RUN/radclient.out"; then echo "NAK $(sed -n 's/^[[:space:]]*Error-Cause = //p' "$RUN/radclient.out" | head -n 1)"
  else echo silence; fi
}

# dac_asks ARGUMENTS...: the same with dac.py, numbers for causes.
dac_asks() {
  local options=()
  while case ${1:-} in --*) true ;; *) false ;; esac; do options+=("$1" "$2"); shift 2; done
  in_ns "$AAA" python3 "$HERE/tools/dac.py" "${options[@]}" "${DAC_ADDRESS:-192.0.2.1}" "${DAC_PORT:-3799}" "${DAC_SECRET_USED:-$DAC_SECRET}" "$@" 2>&1
}

device_mtu() { ip -n "$GATEWAY_NS" -o link show "$(session "$1" device)" | sed -n 's/.* mtu \([0-9]*\) .*/\1/p'; }
device_alias() { ip -n "$GATEWAY_NS" link show "$(session "$1" device)" | sed -n 's/^[[:space:]]*alias //p'; }

# What a refused request must not touch: every session as it is shown, and every interface.
snapshot() {
  headend show crypto session --json | sed -E 's/"uptimeSeconds": *[0-9]+//g; s/"status": *"UP-[A-Z]+"//g'
  ip -n "$GATEWAY_NS" -o link show | grep -E ': vi[0-9]+' | sed 's/ qlen.*//'
}
unchanged() { [ "$(snapshot)" = "$1" ]; }

# A user with what the others have not: keys of IPv6, and Chargeable-User-Identity.
dynamic_accounts() {
  echo 'six Cleartext-Password := "six-word"' >>"$1/authorize"
  cat >>"$1/reply" <<'REPLIES'

six
	Framed-IPv6-Prefix := 2001:db8:a1::/64,
	Framed-Interface-Id := "0:0:0:9",
	Chargeable-User-Identity := "cui-six"
REPLIES
}

scenario_disconnect() {
  only_ours "Disconnect-Request" "strongSwan knows User-Name alone" || return
  DYNAMIC_AUTHOR=$DYNAMIC_AUTHOR_LINE DPD=5m MORE_ACCOUNTS=dynamic_accounts TRAFFIC='[10.10.0.0/24, "2001:db8:10::/64"]'
  make_topology; make_pki
  address "$AAA" eth0 2001:db8:aa::2/64
  address "$GATEWAY_NS" aaa0 2001:db8:aa::1/64
  # Its RADIUS server is one of IPv6 that signs its Accounting-Responses, too.
  RADIUS_ACCOUNTING="detail
		update reply {
			&Message-Authenticator := 0x00
		}"
  RADIUS=2001:db8:aa::2 RADIUS_CLIENT=2001:db8:aa::1
  need setup "no setup" eval 'start_radius radius1 $RADIUS && start_lan_services && start_gateway'
  # six comes over IPv6: the one session with that Calling-Station-Id.
  start_client client "$CLIENT" "$(for user in alice bob dave; do client_connection $user mschapv2 $user; done
    client_connection six mschapv2 six vips=:: ts=2001:db8:10::/64 gateway=$GATEWAY_V6)"
  logs_in client bob "login bob"
  logs_in client dave "login dave"

  local key audit user
  for key in audit-session-id Acct-Session-Id User-Name Framed-IP-Address NAS-Port NAS-Port-Id \
    Framed-IPv6-Prefix Framed-IPv6-Address Calling-Station-Id Chargeable-User-Identity; do
    case $key in *IPv6*|C*) user=six ;; *) user=alice ;; esac
    logs_in client $user "login $user"
    audit=$(session $user auditSessionId)
    case $key in
      audit-session-id) set -- "Cisco-AVPair = \"audit-session-id=$audit\"" ;;
      Acct-Session-Id) set -- "Acct-Session-Id = \"$(session alice acctSessionId)\"" ;;
      User-Name) set -- 'User-Name = "alice"' ;;
      Framed-IP-Address) set -- "Framed-IP-Address = 10.99.1.10" ;;
      NAS-Port) set -- "NAS-Port = $(session alice id)" ;;
      NAS-Port-Id) set -- "NAS-Port-Id = \"Virtual-Access$(session alice id)\"" ;;
      Framed-IPv6-Prefix) set -- "Framed-IPv6-Prefix = 2001:db8:a1::/64" ;;
      Framed-IPv6-Address) set -- "Framed-IPv6-Address = 2001:db8:a1::9" ;;
      Calling-Station-Id) set -- 'Calling-Station-Id = "2001:db8:51::10"' ;;
      Chargeable-User-Identity) set -- "Chargeable-User-Identity = 0x6375692d736978" ;;
    esac
    equal "radclient, by $key" ACK "$(radclient_asks disconnect "$@" "NAS-Identifier = \"gw1\"" "NAS-IP-Address = 192.0.2.1")"
    check "by $key: gone when the ACK came" "$(session $user status)" test -z "$(session $user status)"
    check "by $key: the client got the Delete" "it still has the SA" wait_until 5 no_sa client $user
    check "by $key: Stop says Admin-Reset" "no such Stop" wait_until 10 stopped_by_admin "$audit"
  done
  equal "the others stand" "bob dave" "$(session bob user) $(session dave user)"
  equal "NAS-IPv6-Address of a session" 2001:db8:aa::1 "$(record Start NAS-IPv6-Address User-Name=bob)"
  check "and of the Accounting-On" "@grep -A9 Accounting-On $RUN/radius1/detail" eval 'grep -A9 "Accounting-On" "$RUN/radius1/detail" | grep -q "NAS-IPv6-Address = 2001:db8:aa::1"'

  # One client address has two sessions: Calling-Station-Id alone is ambiguous, with another key it is not.
  local before; before=$(snapshot)
  equal "ambiguous: 508" "NAK Multiple-Session-Selection-Unsupported" "$(radclient_asks disconnect "Calling-Station-Id = 198.51.100.10")"
  equal "unknown session: 503" "NAK Session-Context-Not-Found" "$(radclient_asks disconnect 'User-Name = "nobody"')"
  equal "keys that disagree: 503" "NAK Session-Context-Not-Found" "$(radclient_asks disconnect 'User-Name = "bob"' "Acct-Session-Id = \"$(session dave acctSessionId)\"")"
  equal "another NAS: 403" "NAK NAS-Identification-Mismatch" "$(radclient_asks disconnect 'User-Name = "bob"' 'NAS-Identifier = "gw2"')"
  equal "another NAS address: 403" "NAK 403" "$(dac_asks disconnect User-Name=bob NAS-IP-Address=192.0.2.77)"
  equal "a multicast address, to which a socket can be bound: 403" "NAK 403" "$(dac_asks disconnect User-Name=bob NAS-IP-Address=224.0.0.1)"
  equal "no key: 402" "NAK Missing-Attribute" "$(radclient_asks disconnect 'NAS-Identifier = "gw1"')"
  equal "unsupported attribute: 401" "NAK Unsupported-Attribute" "$(radclient_asks disconnect 'User-Name = "bob"' 'Session-Timeout = 60')"
  equal "wrong secret: silence" silence "$(RADCLIENT_WAIT=2 DAC_SECRET_USED=wrong-secret-of-24-octets radclient_asks disconnect 'User-Name = "bob"')"
  equal "wrong authenticator: silence" silence "$(dac_asks --mode wrong-authenticator disconnect User-Name=bob)"
  equal "no Message-Authenticator: silence" silence "$(dac_asks --mode no-message-authenticator disconnect User-Name=bob)"
  equal "wrong Message-Authenticator: silence" silence "$(dac_asks --mode wrong-message-authenticator disconnect User-Name=bob)"
  equal "stale Event-Timestamp: silence" silence "$(dac_asks --stamp -400 disconnect User-Name=bob)"
  equal "Event-Timestamp of the future: silence" silence "$(dac_asks --stamp 400 disconnect User-Name=bob)"
  equal "unknown client: silence" silence "$(dac_asks --from 192.0.2.3 --wait 3 disconnect User-Name=bob)"
  equal "bad value of a key: 407" "NAK 407" "$(dac_asks disconnect User-Name=bob Acct-Session-Id=)"
  equal "a key twice: 404" "NAK 404" "$(dac_asks disconnect User-Name=bob User-Name=dave)"
  check "none of it changed anything" "@snapshot" unchanged "$before"
  equal "Proxy-State comes back in order" "NAK 503 echo 33 one echo 33 two" "$(dac_asks disconnect Proxy-State=one User-Name=nobody Proxy-State=two | tr '\n' ' ' | sed 's/ $//')"

  # A recorded request, after the user has come back: the old answer again, and the new session stays.
  logs_in client alice "login alice again"
  equal "three times the same request, the same octets each time" ACK "$(dac_asks --stamp 0 --times 3 disconnect User-Name=alice)"
  check "the client got the Delete" "it still has the SA" wait_until 5 no_sa client alice
  logs_in client alice "login alice"
  equal "port 1700" ACK "$(DAC_PORT=1700 radclient_asks disconnect 'User-Name = "alice"')"
  equal "IPv6" ACK "$(DAC_ADDRESS=2001:db8:aa::1 dac_asks disconnect User-Name=bob)"
  check "one audit line for each answer" "@grep -c dynamic-authorization $RUN/gateway.out" wait_until 5 grep -q 'event=dynamic-authorization .*client=192.0.2.2 .*code=Disconnect-Request .*outcome=ack' "$RUN/gateway.out"
  check "discards are logged" "no line" wait_until 5 grep -q 'event=dynamic-authorization-discarded .*reason=bad-authenticator' "$RUN/gateway.out"
}

stopped_by_admin() { has_record Stop "Cisco-AVPair=audit-session-id=$1" Acct-Terminate-Cause=Admin-Reset; }

another_session_of() { [ -n "$(session "$1" auditSessionId)" ] && [ "$(session "$1" auditSessionId)" != "$2" ]; }

scenario_coa() {
  only_ours "CoA-Request" "strongSwan changes Session-Timeout alone" || return
  DYNAMIC_AUTHOR=$DYNAMIC_AUTHOR_LINE DPD=5m
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(for user in alice bob; do client_connection $user mschapv2 $user; done)"
  logs_in client alice "login alice"
  logs_in client bob "login bob"
  local key="Cisco-AVPair = \"audit-session-id=$(session alice auditSessionId)\"" before
  equal "mtu before" 1400 "$(device_mtu alice)"

  equal "interface-config" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=ip mtu 1340"' 'Cisco-AVPair += "ip:interface-config=description changed by RADIUS"')"
  equal "the kernel has the MTU" 1340 "$(device_mtu alice)"
  check "the kernel has the description" "$(device_alias alice)" grep -q 'changed by RADIUS' <<<"$(device_alias alice)"
  equal "bob's interface is as it was" 1400 "$(device_mtu bob)"
  check "traffic goes on" "no answer" pings "$CLIENT" $LAN_V4

  before=$(snapshot)
  equal "a command that is none: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=ip mtu 1300"' 'Cisco-AVPair += "ip:interface-config=no such command"')"
  equal "an interface that is not there: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=ip mtu 1300"' 'Cisco-AVPair += "ip:interface-config=ip unnumbered nosuch0"')"
  equal "a policy-map that is not there: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=ip mtu 1300"' 'Cisco-AVPair += "ip:sub-qos-policy-in=gold"')"
  equal "an attribute that is no change: 401" "NAK Unsupported-Attribute" "$(radclient_asks coa "$key" 'Session-Timeout = 3' 'Framed-Route = "10.0.0.0/8"')"
  equal "Service-Type Login: 405" "NAK Unsupported-Service" "$(radclient_asks coa "$key" 'Service-Type = Login-User')"
  equal "Authorize Only without State: 402" "NAK Missing-Attribute" "$(radclient_asks coa "$key" 'Service-Type = Authorize-Only')"
  equal "a command that nobody knows: 406" "NAK Unsupported-Extension" "$(radclient_asks coa "$key" 'Cisco-AVPair += "subscriber:command=account-logon"')"
  equal "several sessions: 508" "NAK Multiple-Session-Selection-Unsupported" "$(radclient_asks coa 'Calling-Station-Id = "198.51.100.10"' 'Session-Timeout = 3')"
  equal "no such session: 503" "NAK Session-Context-Not-Found" "$(radclient_asks coa 'User-Name = "nobody"' 'Session-Timeout = 3')"
  equal "nothing to change: 402" "NAK Missing-Attribute" "$(radclient_asks coa "$key")"
  equal "another NAS: 403" "NAK NAS-Identification-Mismatch" "$(radclient_asks coa "$key" 'NAS-Identifier = "gw2"' 'Session-Timeout = 3')"
  equal "wrong secret: silence" silence "$(RADCLIENT_WAIT=1 DAC_SECRET_USED=wrong-secret-of-24-octets radclient_asks coa "$key" 'Session-Timeout = 3')"
  check "none of it changed anything" "@snapshot" unchanged "$before"

  equal "back to 1400 by no ip mtu and the default" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=no ip mtu"')"
  equal "the kernel has the default" 1400 "$(device_mtu alice)"

  equal "Authorize Only: 507, State and Service-Type come back" "NAK 507 echo 24 again" "$(dac_asks coa User-Name=alice Service-Type=17 State=again | tr '\n' ' ' | sed 's/ $//')"
  check "RADIUS was asked with that State and its Accept applied" "@grep Authorize-Only $RUN/gateway.out" wait_until 5 grep -q 'code=Authorize-Only .*outcome=ack' "$RUN/gateway.out"
  check "FreeRADIUS saw State and Service-Type" "@cat $RUN/radius1/requests" grep -q 'State = 0x616761696e' "$RUN/radius1/requests"
  equal "the kernel has what the Access-Accept said" 1320 "$(device_mtu alice)"
  check "the session stands" "@what_is_left" test -n "$(session alice status)"
  equal "Class, Acct-Interim-Interval and Idle-Timeout" ACK "$(radclient_asks coa "$key" 'Class = 0x6e6577' 'Acct-Interim-Interval = 60' 'Idle-Timeout = 600')"
  equal "a short Session-Timeout" ACK "$(radclient_asks coa "$key" 'Session-Timeout = 3')"
  check "ended by it" "no Stop" wait_until 20 has_record Stop User-Name=alice Acct-Terminate-Cause=Session-Timeout
  equal "the Stop has the new Class" 0x6e6577 "$(record Stop Class User-Name=alice | tr '\n' ' ' | sed 's/ $//')"
  check "the client got the Delete" "it still has the SA" wait_until 5 no_sa client alice

  equal "a short Idle-Timeout" ACK "$(radclient_asks coa 'User-Name = "bob"' 'Idle-Timeout = 3')"
  check "ended by it" "no Stop" wait_until 20 has_record Stop User-Name=bob Acct-Terminate-Cause=Idle-Timeout

  logs_in client bob "login bob"
  equal "subscriber:command=bounce-host-port" ACK "$(radclient_asks coa 'User-Name = "bob"' 'Cisco-AVPair += "subscriber:command=bounce-host-port"')"
  check "the client got the Delete" "it still has the SA" wait_until 5 no_sa client bob
  logs_in client bob "login bob"
  before=$(session bob auditSessionId)
  equal "subscriber:command=reauthenticate" ACK "$(radclient_asks coa 'User-Name = "bob"' 'Cisco-AVPair += "subscriber:command=reauthenticate"' 'Cisco-AVPair += "subscriber:reauthenticate-type=last"')"
  check "the client was told (AUTH_LIFETIME)" "not in its log" wait_until 10 grep -q 'AUTH_LFT' "$RUN/client/charon.log"
  check "it has logged in again" "@session bob auditSessionId" wait_until 30 another_session_of bob "$before"
}

# Two clients of one user: the second one replaces or is refused; a client that died does not keep its place.
scenario_simultaneous() {
  only_ours "unique" "compared elsewhere" || return
  UNIQUE_SESSIONS=deny DPD=5m
  need setup "no setup" standard_setup
  make_nat
  start_client client "$CLIENT" "$(client_connection home mschapv2 bob)"
  place=inside start_client inside "$INSIDE" "$(place=inside client_connection home mschapv2 bob)"
  logs_in client home "bob's first login"
  check "deny: the second is refused" "it logged in" not log_in inside home
  equal "one session" 1 "$(sessions)"
  check "the first works on" "no answer" pings "$CLIENT" $LAN_V4
  stop client KILL
  if log_in inside home 30; then ok "a client that died gives up its place"; else fail "a client that died gives up its place" "$(why inside home)"; fi
  equal "one session" 1 "$(sessions)"
}
