# Access lists of every source against live strongSwan sessions: what a list permits arrives, what it denies does not, the kernel counts both, and nothing is left.

ACCESS_LISTS='access-lists:
  - { name: lan-only, entries: ["permit icmp any host 10.10.0.2", "deny tcp any any eq 5001 log"] }
  - { name: back, entries: ["permit icmp any any echo-reply"] }
  - { name: open, entries: ["permit ip any any"] }'

list_accounts() {
  cat >>"$1/authorize" <<'ACCOUNTS'
lines Cleartext-Password := "lines-word"
named Cleartext-Password := "named-word"
filterid Cleartext-Password := "filterid-word"
rules Cleartext-Password := "rules-word"
dacl Cleartext-Password := "dacl-word"
missing Cleartext-Password := "missing-word"
broken Cleartext-Password := "broken-word"
six Cleartext-Password := "six-word"
ACCOUNTS
  cat >>"$1/reply" <<'REPLIES'

lines
	Cisco-AVPair += "ip:inacl#2=permit udp any host 10.10.0.2 eq 5002",
	Cisco-AVPair += "ip:inacl#1=permit icmp any any",
	Cisco-AVPair += "ip:outacl#1=permit ip host 10.10.0.2 any"

named
	Cisco-AVPair += "ip:inacl=lan-only"

filterid
	Filter-Id := "lan-only.in",
	Filter-Id += "back.out"

rules
	NAS-Filter-Rule := "permit in icmp from assigned to 10.10.0.0/24",
	NAS-Filter-Rule += "deny out tcp from any to assigned"

dacl
	Cisco-AVPair += "ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-lan-57f6b0d3"

missing
	Cisco-AVPair += "ip:inacl=nowhere"

broken
	Cisco-AVPair += "ip:inacl#1=permit ip any any",
	Cisco-AVPair += "ip:inacl#2=permit tcp any any eq nothing"

six
	Cisco-AVPair += "ip:inacl#1=permit icmp any any",
	Cisco-AVPair += "ipv6:inacl#2=permit icmp any host 2001:db8:10::2"
REPLIES
}

# list_field LIST lines|matches|NUMBER: of `show access-lists --json`; NUMBER: matches of that entry, 0: of the list's end.
list_field() {
  headend show access-lists "$1" --json | python3 -c '
import json, sys
lists = json.load(sys.stdin)
what = sys.argv[1]
for one in lists:
    if what == "lines": print(len(one["entries"]))
    elif what == "0": print(one["restMatches"])
    elif what == "matches": print(sum(e["matches"] for e in one["entries"]))
    else: print(next(e["matches"] for e in one["entries"] if e["number"] == int(what)))' "$2"
}

own_list() { headend show access-lists --json | python3 -c '
import json, sys
print(next((l["name"] for l in json.load(sys.stdin) if any(u["interface"] == sys.argv[1] and u["direction"] == sys.argv[2] for u in l["appliedTo"])), ""))' "$(session "$1" interface)" "$2"; }

ruleset() { in_ns "$GATEWAY_NS" nft -s list ruleset; }
same_ruleset() { [ "$(ruleset)" = "$1" ]; }
tcp_passes() { in_ns "$CLIENT" timeout 2 python3 -c 'import socket,sys; socket.create_connection((sys.argv[1], 5001), 1.5)' "${1:-$LAN_V4}" 2>/dev/null; }
matched() { [ "$(list_field "$1" "$2")" -ge 1 ]; }

access_list_setup() {
  POOL6=yes MORE_ACCOUNTS=list_accounts EXTRA_SECTIONS=$ACCESS_LISTS TRAFFIC='[10.10.0.0/24, "2001:db8:10::/64"]'
  DYNAMIC_AUTHOR=$DYNAMIC_AUTHOR_LINE
  standard_setup
}

scenario_access_lists() {
  only_ours "access lists" || return
  need setup "no setup" access_list_setup
  local before user; before=$(ruleset)
  check "lists of the configuration stand from the start" "$before" grep -q 'ip daddr 10.10.0.2' <<<"$before"
  start_client client "$CLIENT" "$(for user in lines named filterid rules dacl missing broken; do client_connection $user mschapv2 $user; done
    client_connection six mschapv2 six vips=0.0.0.0,:: ts=10.10.0.0/24,2001:db8:10::/64)"

  for user in lines named rules dacl; do
    logs_in client $user "login of $user"
    check "$user: ICMP is permitted and passes" "no answer" pings "$CLIENT" $LAN_V4
    check "$user: TCP is denied and does not" "connected" not tcp_passes
    log_out client $user
    check "$user: the ruleset is as before" "@ruleset" wait_until 10 same_ruleset "$before"
  done

  logs_in client lines "login of lines again"
  pings "$CLIENT" $LAN_V4 3
  tcp_passes
  equal "hits: ICMP by the line that came first" 3 "$(list_field "$(own_list lines in)" 10)"
  check "hits: the end of the list" "$(headend show access-lists --detail)" matched "$(own_list lines in)" 0
  check "the text is IOS's" "$(headend show access-lists)" eval 'headend show access-lists | grep -qx "    10 permit icmp any any (3 matches)"'
  check "hits of a named list, with its log" "$(headend show access-lists lan-only --detail)" matched lan-only 20
  log_out client lines

  logs_in client filterid "login of filterid"
  check "Filter-Id NAME.in and NAME.out: ICMP and its answer pass" "no answer" pings "$CLIENT" $LAN_V4
  check "Filter-Id NAME.out counts" "$(headend show access-lists back --detail)" matched back 10
  log_out client filterid

  logs_in client six "login of six"
  check "ipv6:inacl: ICMPv6 passes" "no answer" pings "$CLIENT" $LAN_V6
  check "ipv6:inacl: TCP over IPv6 does not" "connected" not tcp_passes $LAN_V6
  log_out client six

  check "a list that does not exist refuses the login" "it logged in" not log_in client missing
  check "and the log says which" "@tail -n 3 $RUN/gateway.out" wait_until 5 grep -q 'there is no access list nowhere (ip:inacl or Filter-Id)' "$RUN/gateway.out"
  check "a line that cannot be read refuses the login" "it logged in" not log_in client broken
  check "and the log says which word of which line" "@tail -n 3 $RUN/gateway.out" wait_until 5 grep -q "access list ip:inacl, line 2: 'eq nothing': no port" "$RUN/gateway.out"

  check "the ruleset is as before" "@ruleset" wait_until 10 same_ruleset "$before"
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
  stop gateway
  check "and no table after the headend" "@ruleset" not in_ns "$GATEWAY_NS" sh -c "nft list tables | grep headend-"
}

# The chapter's "Updating the Session ACL, Using CoA", and what it does not tell: all or nothing, and no gap.
scenario_access_list_coa() {
  only_ours "CoA of access lists" || return
  need setup "no setup" access_list_setup
  local before key name
  before=$(ruleset)
  start_client client "$CLIENT" "$(client_connection alice mschapv2 alice; client_connection dacl mschapv2 dacl)"
  logs_in client alice "login"
  key="Cisco-AVPair = \"ip:audit-session-id=$(session alice auditSessionId)\""
  check "no list: TCP passes" "does not" tcp_passes
  equal "the chapter's request" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:inacl#3=permit 1.1.1.1"' 'Cisco-AVPair += "ip:outacl#4=permit 1.1.1.3"')"
  name=$(session alice interface)
  equal "show ip access-lists, line by line" "Standard IP access list $name#N
    10 permit 1.1.1.1
Standard IP access list $name#N
    10 permit 1.1.1.3" "$(headend show ip access-lists | sed -n "/^Standard/,\$p" | sed 's/#[0-9]*$/#N/; s/ ([0-9]* match.*//')"
  check "and it holds: nothing passes" "something does" not pings "$CLIENT" $LAN_V4 1

  equal "the new list replaces the old one" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:inacl#1=permit icmp any any"')"
  check "the direction that was not named keeps its list: the answer does not pass" "it does" not pings "$CLIENT" $LAN_V4 1
  equal "Filter-Id for the other direction" ACK "$(radclient_asks coa "$key" 'Filter-Id = "back.out"')"
  check "now it does" "no answer" pings "$CLIENT" $LAN_V4
  check "TCP does not" "it does" not tcp_passes

  # Under traffic, to and fro: what both lists permit is never lost.
  in_ns "$CLIENT" ping -n -q -c 60 -i 0.05 -W 3 $LAN_V4 >"$RUN/flood.out" 2>&1 &
  local flood=$! i
  for i in 1 2 3 4 5 6; do
    [ "$(radclient_asks coa "$key" "Cisco-AVPair += \"ip:inacl#1=permit icmp any host 10.10.0.$((i % 2 + 1))\"" 'Cisco-AVPair += "ip:inacl#2=permit icmp any any"')" = ACK ] || fail "change $i under traffic" "$(cat "$RUN/radclient.out")"
  done
  wait $flood
  check "no packet was lost while lists were replaced" "$(tail -n 2 "$RUN/flood.out")" grep -q ' 0% packet loss' "$RUN/flood.out"

  local standing; standing=$(ruleset)
  equal "a list that does not exist: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Filter-Id = "nowhere.in"')"
  equal "a bad line: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:inacl#1=permit ip any anyone"')"
  equal "an option that is not supported: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'NAS-Filter-Rule = "permit in ip from any to any ipoptions rr"')"
  equal "a good list beside a command that is none: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:inacl=open"' 'Cisco-AVPair += "ip:interface-config=no such command"')"
  equal "a good command beside a bad list: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=ip mtu 1300"' 'Cisco-AVPair += "ip:inacl=nowhere"')"
  equal "the interface kept its MTU" 1400 "$(device_mtu alice)"
  check "and its lists" "@ruleset" same_ruleset "$standing"

  equal "a downloaded list" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-lan-57f6b0d3"')"
  equal "stands" 3 "$(list_field '#ACSACL#-IP-lan-57f6b0d3' lines)"
  equal "NAS-Filter-Rule" ACK "$(radclient_asks coa "$key" 'NAS-Filter-Rule = "permit in icmp from assigned to any"')"
  check "holds" "no answer" pings "$CLIENT" $LAN_V4
  equal "ip access-group by a command" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=ip access-group open in"' 'Cisco-AVPair += "ip:interface-config=ip access-group open out"')"
  check "replaces what AAA said: TCP passes" "it does not" tcp_passes
  equal "no ip access-group" ACK "$(radclient_asks coa "$key" 'Cisco-AVPair += "ip:interface-config=no ip access-group open in"' 'Cisco-AVPair += "ip:interface-config=no ip access-group open out"')"
  check "no list is left" "@ruleset" same_ruleset "$before"
  log_out client alice
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
}
