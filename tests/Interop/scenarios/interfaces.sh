# Virtual-access interfaces (show 2 of issue 4): every interface command is seen in the kernel, at the login and by CoA; templates are locked; after logout nothing is left.

# Users with commands of AAA; the group's come from the attribute list of the policy staff.
interface_accounts() {
  cat >>"$1/authorize" <<'ACCOUNTS'
many Cleartext-Password := "many-word"
lost Cleartext-Password := "lost-word"
ACCOUNTS
  cat >>"$1/reply" <<'REPLIES'

bob
	Cisco-AVPair += "ip:interface-config#1=ip mtu 1200",
	Cisco-AVPair += "ip:interface-config#2=tunnel key 2"

many
	Framed-IP-Address := 10.99.1.30,
	Cisco-AVPair += "ip:interface-config#1=no ip unnumbered",
	Cisco-AVPair += "ip:interface-config#2=ip address 10.98.0.1 255.255.255.0",
	Cisco-AVPair += "ip:interface-config#3=ip address 10.98.1.1 255.255.255.0 secondary",
	Cisco-AVPair += "ip:interface-config#4=ipv6 address 2001:db8:98::1/64",
	Cisco-AVPair += "ip:interface-config#5=ip mtu 1300",
	Cisco-AVPair += "ip:interface-config#6=ipv6 mtu 1280",
	Cisco-AVPair += "ip:interface-config#7=description all at once",
	Cisco-AVPair += "ip:interface-config#8=bandwidth 55000",
	Cisco-AVPair += "ip:interface-config#9=ip verify unicast source reachable-via rx",
	Cisco-AVPair += "ip:interface-config#10=ip route 10.71.0.0 255.255.0.0 distance 20 tag 5",
	Cisco-AVPair += "ip:interface-config#11=ipv6 route 2001:db8:71::/48 distance 20"

lost
	Cisco-AVPair += "ip:interface-config#1=vrf forwarding nowhere"
REPLIES
}

# What a session may change in the kernel, without ages and counters.
kernel_dump() {
  ip -n "$GATEWAY_NS" -o -d link show | sed -E 's/ state [A-Z]+//; s/NO-CARRIER,//; s/ qlen.*//'
  ip -n "$GATEWAY_NS" -o address show | sed -E 's/valid_lft.*//'
  ip -n "$GATEWAY_NS" route show table all; ip -n "$GATEWAY_NS" -6 route show table all
  ip -n "$GATEWAY_NS" rule show
  in_ns "$GATEWAY_NS" nft list ruleset | sed -E 's/counter packets [0-9]+ bytes [0-9]+//'
  in_ns "$GATEWAY_NS" tc qdisc show | grep -v 'dev lo '
}
same_kernel() { [ "$(kernel_dump)" = "$1" ]; }

device_of() { session "$1" device; }
shows() { grep -q -- "$2" <<<"$($1)"; }
link_of() { ip -n "$GATEWAY_NS" -d link show "$(device_of "$1")"; }
addresses_of() { ip -n "$GATEWAY_NS" address show "$(device_of "$1")"; }
routes_of() { ip -n "$GATEWAY_NS" route show dev "$(device_of "$1")"; ip -n "$GATEWAY_NS" -6 route show dev "$(device_of "$1")"; }
derived() { headend show derived-config interface virtual-access "$(session "$1" id)"; }
origin() { headend show derived-config interface virtual-access "$(session "$1" id)" --json | python3 -c 'import json,sys; print(next(c["origin"] for c in json.load(sys.stdin)["derivedConfig"] if c["command"] == sys.argv[1]))' "$2"; }

interface_setup() {
  DYNAMIC_AUTHOR=$DYNAMIC_AUTHOR_LINE DPD=5m MORE_ACCOUNTS=interface_accounts
  STAFF_LIST="attribute-list: group-commands"
  LOCAL_AAA='  attribute-lists: [ { name: group-commands, attributes: ["interface-config=tunnel key 1", "interface-config=ip mtu 1000"] } ]'
  TEMPLATE_COMMANDS='"ip unnumbered lan0", "tunnel protection ipsec profile default"'
  need setup "no setup" standard_setup
}

scenario_interfaces() {
  only_ours "interface commands" || return
  interface_setup
  local before user number
  before=$(kernel_dump)
  start_client client "$CLIENT" "$(for user in alice bob many lost; do client_connection $user mschapv2 $user; done)"
  logs_in client alice "login alice"
  logs_in client bob "login bob"
  logs_in client many "login many"

  # The chapter's cloning example: template, group, user, session.
  number=$(session bob id)
  equal "derived-config, line by line" "interface Virtual-Access$number
 ip unnumbered lan0
 ip mtu 1200
 tunnel source 198.51.100.1
 tunnel destination 198.51.100.10
 tunnel key 2
 tunnel protection ipsec profile default
 no tunnel protection ipsec initiate
end" "$(derived bob | sed '1,4d')"
  equal "origins" "virtual-template 1, aaa implicit user bob, session" "$(origin bob "ip unnumbered lan0"), $(origin bob "ip mtu 1200"), $(origin bob "tunnel destination 198.51.100.10")"
  equal "the group's value where the user has none" "aaa group staff" "$(origin alice "ip mtu 1000")"
  check "the kernel has the user's MTU" "@ip -n $GATEWAY_NS link show $(device_of bob)" shows "routes_of bob" "mtu 1200"

  check "ip address" "$(addresses_of many)" shows "addresses_of many" 'inet 10.98.0.1/24'
  check "ip address secondary" "$(addresses_of many)" shows "addresses_of many" 'inet 10.98.1.1/24'
  check "ipv6 address" "$(addresses_of many)" shows "addresses_of many" 'inet6 2001:db8:98::1/64'
  check "ip mtu" "$(link_of many)" shows "link_of many" 'mtu 1300'
  check "description" "$(link_of many)" shows "link_of many" 'all at once'
  check "ip route" "$(routes_of many)" shows "routes_of many" '10.71.0.0/16 .*metric 20 realm 5'
  check "ipv6 route" "$(routes_of many)" shows "routes_of many" '2001:db8:71::/48 .*metric 20'
  check "ipv6 mtu" "$(routes_of many)" shows "routes_of many" '2001:db8:71::/48 .*mtu 1280'
  [ "${DATA_PLANE:-}" = xfrm ] || equal "bandwidth" 55 "$(in_ns "$GATEWAY_NS" cat "/sys/class/net/$(device_of many)/speed")"
  check "bandwidth in show interface" "no BW" shows "headend show interface virtual-access $(session many id)" 'BW 55000 Kbit/sec'
  equal "ip verify unicast source" 1 "$(in_ns "$GATEWAY_NS" cat "/proc/sys/net/ipv4/conf/$(device_of many)/rp_filter")"
  check "traffic" "no answer" pings "$CLIENT" $LAN_V4
  check "show interface" "$(headend show interface virtual-access "$number")" shows "headend show interface virtual-access $number" 'Tunnel protocol/transport IPSEC/IP'

  # A command that this machine cannot follow refuses the login and is named.
  check "a VRF that is not there refuses" "it logged in" not log_in client lost
  check "and is named" "@grep vrf $RUN/gateway.out" wait_until 5 grep -q 'vrf forwarding nowhere: no such VRF' "$RUN/gateway.out"

  for user in alice bob many; do log_out client $user; done
  check "after logout the kernel is as before" "$(diff <(echo "$before") <(kernel_dump))" wait_until 10 same_kernel "$before"
}

scenario_interface_changes() {
  only_ours "interface commands by CoA" || return
  interface_setup
  start_client client "$CLIENT" "$(for user in alice bob; do client_connection $user mschapv2 $user; done)"
  logs_in client alice "login alice"
  local key before
  key="Cisco-AVPair = \"audit-session-id=$(session alice auditSessionId)\""
  before=$(kernel_dump)
  equal "a third command that is impossible: 407" "NAK Invalid-Attribute-Value" \
    "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config#1=ip mtu 1250"' 'Cisco-AVPair += "ip:interface-config#2=ip route 10.73.0.0 255.255.0.0"' 'Cisco-AVPair += "ip:interface-config#3=vrf forwarding nowhere"')"
  check "the first two are not done" "$(diff <(echo "$before") <(kernel_dump))" same_kernel "$before"
  equal "an access list that is not there: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=ip access-group nowhere in"')"
  equal "shutdown" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=shutdown"')"
  check "the link is down" "$(link_of alice)" shows "link_of alice" 'NOARP> mtu'
  check "nothing passes" "an answer" not pings "$CLIENT" $LAN_V4 1
  equal "no shutdown" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=no shutdown"')"
  check "traffic again" "no answer" pings "$CLIENT" $LAN_V4
  check "the kernel is as before" "$(diff <(echo "$before") <(kernel_dump))" wait_until 5 same_kernel "$before"

  # The template is locked: a change is for new sessions.
  sed -i 's/"ip unnumbered lan0", /"ip unnumbered lan0", "ip mtu 1111", "description changed", /' "$RUN/headend.yaml"
  signal HUP gateway
  check "show vtemplate: a change waits" "@cat $RUN/gateway.out" wait_until 10 shows "headend show vtemplate" 'a change waits: 1 of 1 interfaces'
  check "the standing interface is as before" "$(diff <(echo "$before") <(kernel_dump))" same_kernel "$before"
  logs_in client bob "login bob"
  check "the new session has the change" "$(link_of bob)" shows "link_of bob" 'changed'
  check "one of two waits" "$(headend show vtemplate)" shows "headend show vtemplate" 'a change waits: 1 of 2 interfaces'
  log_out client alice
  check "nothing waits" "$(headend show vtemplate)" wait_until 10 eval '! shows "headend show vtemplate" "a change waits"'
  sed -i 's/"description changed"/"no such command"/' "$RUN/headend.yaml"
  signal HUP gateway
  check "a configuration with an error is refused, with its place" "@tail -n 3 $RUN/gateway.out" wait_until 10 grep -q 'event=configuration-refused .*headend.yaml:.*no such command' "$RUN/gateway.out"
  check "sessions stay" "$(session bob status)" pings "$CLIENT" $LAN_V4
}
