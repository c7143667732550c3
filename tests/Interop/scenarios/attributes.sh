# Show 1 of issue 3: attributes of spec/aaa.md in FreeRADIUS's users file, and where each ends for a strongSwan client.

# Users and what radius1 answers them with, in FreeRADIUS's users format.
attribute_accounts() {
  cat >>"$1/authorize" <<'ACCOUNTS'
six Cleartext-Password := "six-word"
branch Cleartext-Password := "branch-word"
filtered Cleartext-Password := "filtered-word"
dacl Cleartext-Password := "dacl-word"
broken Cleartext-Password := "broken-word"
again Cleartext-Password := "again-word"
ACCOUNTS
  cat >>"$1/reply" <<'REPLIES'

bob
	User-Name := "robert",
	Framed-IP-Netmask := 255.255.255.0,
	Framed-Pool := "p4b",
	Session-Timeout := 3000,
	Idle-Timeout := 1500,
	Acct-Interim-Interval := 90,
	Port-Limit := 5,
	Chargeable-User-Identity := "cui-bob",
	Class := 0x626f62,
	WISPr-Bandwidth-Max-Down := 2000000,
	Mikrotik-Rate-Limit := "1M/2M",
	MS-Primary-DNS-Server := 10.10.0.53,
	MS-Secondary-DNS-Server := 10.10.0.54,
	MS-Primary-NBNS-Server := 10.10.0.57,
	MS-Secondary-NBNS-Server := 10.10.0.58,
	Cisco-AVPair += "ipsec:dns-servers=10.10.0.55 10.10.0.56",
	Cisco-AVPair += "ipsec:wins-servers=10.10.0.59",
	Cisco-AVPair += "ipsec:default-domain=corp.example",
	Cisco-AVPair += "ipsec:split-dns=lab.example",
	Cisco-AVPair += "ipsec:route-set=prefix 10.61.0.0/16",
	Cisco-AVPair += "ip:route-set=remote ipv4 10.62.0.0 255.255.0.0",
	Cisco-AVPair += "ipsec:route-set=interface wan0",
	Cisco-AVPair += "ipsec:route-set=interface",
	Cisco-AVPair += "ipsec:route-set=access-list split",
	Cisco-AVPair += "ipsec:route-set=access-list ipv6 split",
	Cisco-AVPair += "ip:interface-config#2=ip mtu 1310",
	Cisco-AVPair += "ip:interface-config#1=ip mtu 1200",
	Cisco-AVPair += "ip:interface-config#3=description set by AAA",
	Cisco-AVPair += "ipsec:banner=Welcome",
	Cisco-AVPair += "ip:sub-qos-policy-in=gold",
	Cisco-AVPair += "ipsec:no-such-thing=1",
	Cisco-AVPair += "ipsec:no-such-wish*1"

six
	Framed-IPv6-Pool := "p6",
	DNS-Server-IPv6-Address := 2001:db8:10::53,
	Cisco-AVPair += "ipsec:ipv6-dns-servers-addr=2001:db8:10::54",
	Cisco-AVPair += "ipsec:route-set=remote ipv6 2001:db8:61::/48",
	Cisco-AVPair += "ipsec:prefix-len=112",
	Cisco-AVPair += "ipsec:addrv6=2001:db8:99::77"

branch
	Framed-IP-Address := 10.99.1.20,
	Framed-Route := "10.71.0.0/16 10.99.1.20 7",
	Cisco-AVPair += "ipsec:route-set=local ipv4 10.72.0.0 255.255.0.0 tag:5 distance:20",
	Cisco-AVPair += "ipsec:route-accept=any distance:30",
	Cisco-AVPair += "ipsec:ipsec-flow-limit=1"

dave
	Framed-IPv6-Prefix := 2001:db8:a1::/64,
	Framed-Interface-Id := "0:0:0:9",
	Delegated-IPv6-Prefix := 2001:db8:b1::/56,
	Framed-IPv6-Route := "2001:db8:c1::/48 :: 9",
	Cisco-AVPair += "ipsec:addr-pool=p4"

filtered
	Filter-Id := "lan-only.in"

dacl
	Cisco-AVPair += "ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-lan-57f6b0d3"

broken
	Cisco-AVPair += "ipsec:route-set=prefix 10.0.0.0/99"

again
	Session-Timeout := 14,
	Termination-Action := RADIUS-Request
REPLIES
}

attribute_setup() {
  MORE_ACCOUNTS=attribute_accounts
  POOLS='{ name: p4, range: 10.99.0.0/16 }, { name: p4b, range: 10.98.0.0/16 }, { name: p6, range: "2001:db8:99::/112" }'
  EXTRA_SECTIONS='access-lists: [ { name: split, entries: ["permit ip any 10.63.0.0/16", "deny ip any any", "permit ipv6 any 2001:db8:63::/48"] } ]
qos: { policy-maps: [ { name: gold, classes: [ { class: default, police: 512kbit } ] } ] }'
  CLIENT_IKE_LOG=2 TRAFFIC='[0.0.0.0/0, "::/0"]'
  standard_setup
}

received() { grep -q "$1" "$RUN/client/charon.log"; }
gateway_says() { grep -q "$1" "$RUN/gateway.out"; }
device_of() { session "$1" device; }
route_of() { ip -n "$GATEWAY_NS" route show "$@" | sed 's/ *$//'; }
config_attributes() { grep -c "processing $1 attribute" "$RUN/client/charon.log"; }

scenario_attributes() {
  only_ours "attributes of AAA" || return
  need setup "no setup" attribute_setup
  start_client client "$CLIENT" "$(client_connection net mschapv2 bob
    client_connection six mschapv2 six vips=:: ts=::/0
    client_connection branch mschapv2 branch ts=10.10.0.0/24 local_ts=10.99.1.20/32,10.71.5.0/24,10.72.5.0/24,192.168.7.0/24,10.10.0.0/25
    client_connection dave mschapv2 dave vips=0.0.0.0,:: ts=10.10.0.0/24,2001:db8:10::/64 local_ts=dynamic,2001:db8:b1::/56,2001:db8:c1::/48)"

  logs_in client net "login of bob"
  tunnel_works "Framed-Pool" client bob net 10.98.
  equal "User-Name of the Access-Accept is the user" robert "$(session robert user)"
  equal "INTERNAL_IP4_DNS from MS-* and ipsec:dns-servers" 4 "$(config_attributes INTERNAL_IP4_DNS)"
  equal "INTERNAL_IP4_NBNS from MS-* and ipsec:wins-servers" 3 "$(config_attributes INTERNAL_IP4_NBNS)"
  # The group's prefix; prefix, remote, interface wan0, the session's own interface, access-list.
  equal "INTERNAL_IP4_SUBNET from every route-set" 6 "$(config_attributes INTERNAL_IP4_SUBNET)"
  check "ip:interface-config in the order of its numbers" "$(ip -n "$GATEWAY_NS" link show "$(device_of robert)" | tr '\n' ' ')" \
    eval 'ip -n "$GATEWAY_NS" link show "$(device_of robert)" | grep -q "mtu 1310"'
  check "description" "no alias" eval 'ip -n "$GATEWAY_NS" -d link show "$(device_of robert)" | grep -q "set by AAA"'
  check "an unknown mandatory pair is named in the log" "$(tail -n 3 "$RUN/gateway.out")" wait_until 5 gateway_says 'ipsec:no-such-thing'
  check "an unknown optional pair is not" "it is" not gateway_says 'no-such-wish'
  check "ip:sub-qos-policy-in within the rate of Mikrotik-Rate-Limit" "$(in_ns "$GATEWAY_NS" tc class show dev "$(device_of robert)-in")" \
    eval 'in_ns "$GATEWAY_NS" tc class show dev "$(device_of robert)-in" | grep -q "1:2 parent 1:1 .* ceil 512Kbit"'
  check "Mikrotik-Rate-Limit to the client" "$(in_ns "$GATEWAY_NS" tc class show dev "$(device_of robert)")" \
    eval 'in_ns "$GATEWAY_NS" tc class show dev "$(device_of robert)" | grep -q "rate 2Mbit ceil 2Mbit"'
  log_out client net
  check "Stop of robert" "no record" wait_until 20 has_record Stop User-Name=robert
  equal "Class" 0x626f62 "$(record Stop Class User-Name=robert)"
  equal "Chargeable-User-Identity" 0x6375692d626f62 "$(record Stop Chargeable-User-Identity User-Name=robert)"

  logs_in client six "login of six"
  equal "ipsec:addrv6" 2001:db8:99::77 "$(sa client six vips)"
  equal "INTERNAL_IP6_DNS" 2 "$(config_attributes INTERNAL_IP6_DNS)"
  equal "INTERNAL_IP6_SUBNET" 1 "$(config_attributes INTERNAL_IP6_SUBNET)"
  log_out client six

  # `dynamic` beside them would be 0.0.0.0/0, in which strongSwan lets its other selectors vanish. Its user-space ESP wants an address of its own in each network behind the client.
  address "$CLIENT" lo 10.71.5.1/24 10.72.5.1/24 192.168.7.1/24 2001:db8:b1::1/56 2001:db8:c1::1/48
  logs_in client branch "login of branch"
  local device
  device=$(device_of branch)
  equal "Framed-Route with its metric" "10.71.0.0/16 proto 201 scope link src 10.10.0.1 metric 7" "$(route_of 10.71.0.0/16 dev "$device")"
  equal "route-set=local with distance and tag" "10.72.0.0/16 proto 201 scope link src 10.10.0.1 metric 20 realm 5" "$(route_of 10.72.0.0/16 dev "$device")"
  equal "route-accept=any takes what the client names" "192.168.7.0/24 proto 201 scope link src 10.10.0.1 metric 30" "$(route_of 192.168.7.0/24 dev "$device")"
  equal "but nothing of ours" "" "$(route_of 10.10.0.0/25)"
  equal "selectors hold the networks behind the client" "10.71.5.0/24 10.72.5.0/24 10.99.1.20/32 192.168.7.0/24" "$(sa client branch local-ts | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')"
  log_out client branch
  check "Stop of branch" "no record" wait_until 20 has_record Stop User-Name=branch
  check "Framed-Route in accounting" "$(record Stop Framed-Route User-Name=branch)" eval 'record Stop Framed-Route User-Name=branch | grep -q "10.72.0.0/16 0.0.0.0 20"'
  equal "routes are gone with the session" "" "$(route_of 10.71.0.0/16)$(route_of 192.168.7.0/24)"

  logs_in client dave "login of dave"
  device=$(device_of dave)
  check "Framed-IPv6-Prefix and Framed-Interface-Id" "$(sa client dave vips)" eval 'sa client dave vips | grep -q "2001:db8:a1::9"'
  check "Delegated-IPv6-Prefix" "$(ip -n "$GATEWAY_NS" -6 route)" eval "ip -n $GATEWAY_NS -6 route show 2001:db8:b1::/56 | grep -q 'dev $device'"
  check "Framed-IPv6-Route with its metric" "$(ip -n "$GATEWAY_NS" -6 route)" eval "ip -n $GATEWAY_NS -6 route show 2001:db8:c1::/48 | grep -q 'dev $device .*metric 9'"
  log_out client dave
  check "nothing left" @what_is_left wait_until 20 nothing_left
}

scenario_attribute_refusals() {
  only_ours "attributes of AAA" || return
  need setup "no setup" attribute_setup
  start_client client "$CLIENT" "$(for user in filtered broken dacl; do client_connection $user mschapv2 $user; done)"
  check "a filter that does not exist refuses the login" "it logged in" not log_in client filtered
  check "and the log names it" "@tail -n 2 $RUN/gateway.out" wait_until 5 gateway_says 'there is no access list lan-only'
  check "a bad value refuses the login" "it logged in" not log_in client broken
  check "and the log names the attribute" "@tail -n 2 $RUN/gateway.out" wait_until 5 gateway_says 'ipsec:route-set has a bad value'
  # FreeRADIUS answers the request for the list in two pieces (see ATTRIBUTE_ACCOUNTS in lib/radius.sh).
  logs_in client dacl "a downloaded list"
  equal "it was fetched with all its pieces" 3 "$(list_field '#ACSACL#-IP-lan-57f6b0d3' lines)"
  equal "requests for it" 2 "$(grep -c 'acl-download' "$RUN/radius1/requests")"
  log_out client dacl
  logs_in client dacl "dacl again"
  equal "the second login found it kept" 2 "$(grep -c 'acl-download' "$RUN/radius1/requests")"
  log_out client dacl
  check "nothing left" @what_is_left wait_until 20 nothing_left
}

scenario_termination_action() {
  only_ours "Termination-Action" || return
  need setup "no setup" attribute_setup
  start_client client "$CLIENT" "$(client_connection again mschapv2 again over=8s)"
  logs_in client again login
  local first; first=$(session again auditSessionId)
  check "the client got AUTH_LIFETIME" "not in its log" received 'AUTH_LFT\|received AUTH_LIFETIME'
  check "it logs in anew before the end" "@session again auditSessionId" wait_until 20 another_session_of again "$first"
  check "and has its tunnel" "no answer" wait_until 5 pings "$CLIENT" $LAN_V4
}
