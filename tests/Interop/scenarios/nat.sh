# Address translation: a LAN host that has no route back sees clients under the headend's address or one of their own; CoA switches; nothing is left.

nat_accounts() {
  cat >>"$1/authorize" <<'ACCOUNTS'
lost Cleartext-Password := "lost-word"
ACCOUNTS
  cat >>"$1/reply" <<'REPLIES'

bob
	Cisco-AVPair += "ip:interface-config#1=no ip nat inside source overload",
	Cisco-AVPair += "ip:interface-config#2=ip nat inside source static self 10.10.0.50"

lost
	Cisco-AVPair += "ip:interface-config=ip nat inside source static self 10.10.0.50"
REPLIES
}

# Whom the LAN host sees when the client calls, and the client when the LAN host calls ADDRESS; empty without an answer.
seen_by_lan() { in_ns "$CLIENT" python3 "$HERE/tools/peer_address.py" ask $LAN_V4 5005 2>/dev/null; }
seen_by_client() { in_ns "$LAN" python3 "$HERE/tools/peer_address.py" ask "$1" 5006 2>/dev/null; }

proxies() { ip -n "$GATEWAY_NS" neigh show proxy; ip -n "$GATEWAY_NS" -6 neigh show proxy; }
# Where the kernel shows no connections there is nothing to see; the unit tests look by netlink.
connections() { in_ns "$GATEWAY_NS" sh -c 'cat /proc/net/nf_conntrack 2>/dev/null' | grep -E '10\.99\.|10\.10\.0\.(5|7)[0-9]( |$)'; }
nat_state() { kernel_dump; proxies; }
nat_is_gone() { [ "$(nat_state)" = "$1" ] && [ -z "$(connections)" ]; }

scenario_nat_policy() {
  only_ours "address translation" || return
  DYNAMIC_AUTHOR=$DYNAMIC_AUTHOR_LINE MORE_ACCOUNTS=nat_accounts STAFF_LIST="nat: masquerade"
  POOLS='{ name: p4, range: 10.99.0.0/16 }, { name: outside, range: 10.10.0.70-10.10.0.79 }'
  need setup "no setup" standard_setup
  ip -n "$LAN" route del 10.99.0.0/16
  start who-lan "$LAN" python3 "$HERE/tools/peer_address.py" serve 5005
  start who-client "$CLIENT" python3 "$HERE/tools/peer_address.py" serve 5006
  local before key shown
  before=$(nat_state)
  start_client client "$CLIENT" "$(for user in alice bob lost; do client_connection $user mschapv2 $user; done)"

  logs_in client alice "login with nat: masquerade of the policy"
  equal "masquerade: the LAN host sees the headend" 10.10.0.1 "$(seen_by_lan)"
  shown=$(headend show interface virtual-access "$(session alice id)")
  check "show interface tells it" "$shown" grep -qx '  NAT overload by any interface: 1 connections out' <<<"$shown"
  equal "and derived-config its origin" "aaa group staff" "$(origin alice "ip nat inside source overload")"

  key="Cisco-AVPair = \"audit-session-id=$(session alice auditSessionId)\""
  equal "CoA: one-to-one" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config#1=no ip nat inside source overload"' 'Cisco-AVPair += "ip:interface-config#2=ip nat inside source static self 10.10.0.51"')"
  equal "the LAN host sees the other address" 10.10.0.51 "$(seen_by_lan)"
  equal "and reaches the client by it" $LAN_V4 "$(seen_by_client 10.10.0.51)"
  equal "show interface --json counts both" "1 1" "$(headend show interface virtual-access "$(session alice id)" --json | python3 -c 'import json,sys; t = json.load(sys.stdin)["translations"][0]; print(t["outboundConnections"], t["inboundConnections"])')"
  equal "an address of the headend: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=ip nat inside source static self 10.10.0.1"')"
  equal "what stood stands" 10.10.0.51 "$(seen_by_lan)"
  equal "CoA: an address of a pool" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config#1=no ip nat inside source static"' 'Cisco-AVPair += "ip:interface-config#2=ip nat inside source pool outside"')"
  check "the LAN host sees it" "$(seen_by_lan)" eval 'seen_by_lan | grep -qx "10.10.0.7[0-9]"'
  equal "CoA: none" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=no ip nat inside source pool"')"
  equal "without translation the LAN host has no way back" "" "$(seen_by_lan)"
  log_out client alice
  check "after logout the kernel is as before" "$(diff <(echo "$before") <(nat_state); connections)" wait_until 10 nat_is_gone "$before"

  logs_in client bob "login with one-to-one of RADIUS"
  equal "one-to-one: the LAN host sees the client's own" 10.10.0.50 "$(seen_by_lan)"
  equal "and reaches it" $LAN_V4 "$(seen_by_client 10.10.0.50)"
  check "another session with the same address is refused" "it logged in" not log_in client lost
  check "and the log says why" "@tail -n 3 $RUN/gateway.out" wait_until 5 grep -q "ip nat inside source static self 10.10.0.50: 10.10.0.50: $(device_of bob) has it" "$RUN/gateway.out"
  equal "the first keeps it" 10.10.0.50 "$(seen_by_lan)"
  log_out client bob
  check "after logout the kernel is as before, again" "$(diff <(echo "$before") <(nat_state); connections)" wait_until 10 nat_is_gone "$before"
  check "nothing left" @what_is_left wait_until 10 nothing_left
}
