# Addresses: pools of both families and of prefixes, duplicates of RADIUS, and leases of a DHCP server that others wrote.

pool_use() { # pool_use POOL FIELD: of `show ip local pool --json`
  headend show ip local pool --json 2>/dev/null | python3 -c 'import json,sys; print("".join(str(p[sys.argv[2]]) for p in json.load(sys.stdin) if p["name"] == sys.argv[1]))' "$1" "$2"
}

address_accounts() {
  cat >>"$1/authorize" <<'ACCOUNTS'
six Cleartext-Password := "six-word"
branch Cleartext-Password := "branch-word"
again Cleartext-Password := "again-word"
ACCOUNTS
  cat >>"$1/reply" <<'REPLIES'

six
	Framed-IPv6-Pool := "p6",
	Delegated-IPv6-Prefix-Pool := "pd"

branch
	Framed-IPv6-Pool := "pf",
	Delegated-IPv6-Prefix := 2001:db8:b0::/47

again
	Framed-Pool := "p4",
	Delegated-IPv6-Prefix := 2001:db8:b1::/56
REPLIES
}

scenario_pools() {
  only_ours "pools" || return
  MORE_ACCOUNTS=address_accounts TRAFFIC='[0.0.0.0/0, "::/0"]'
  POOLS='{ name: p4, range: 10.99.0.10-10.99.0.11, ranges: [10.99.4.1-10.99.4.2], exclude: [10.99.0.11, 10.99.4.2], hold-down: 1h },
    { name: p6, range: "2001:db8:99::/112" }, { name: pd, range: "2001:db8:d0::/55", prefix-length: 56 }, { name: pf, range: "2001:db8:f0::/60", prefix-length: 64 }'
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection bob mschapv2 bob
    client_connection dave mschapv2 dave
    client_connection idle mschapv2 idle
    client_connection alice mschapv2 alice
    client_connection again mschapv2 again
    client_connection six mschapv2 six vips=:: ts=2001:db8:10::/64 local_ts=dynamic,2001:db8:d0::/55
    client_connection branch mschapv2 branch vips=:: ts=2001:db8:10::/64
    client_connection nobody mschapv2 nobody)"

  check "a refused login" "it logged in" not log_in client nobody
  equal "takes no address" "0 0" "$(pool_use p4 inUse) $(pool_use p4 highWater)"
  equal "the size without what is excluded" 2 "$(pool_use p4 size)"
  logs_in client bob "login of bob"
  equal "the first range" 10.99.0.10 "$(sa client bob vips)"
  logs_in client dave "login of dave"
  equal "the second range" 10.99.4.1 "$(sa client dave vips)"
  check "an exhausted pool refuses" "it logged in" not log_in client idle
  check "and the log names it" "$(tail -n 3 "$RUN/gateway.out")" wait_until 5 grep -q 'event=pool-exhausted.*pool=p4 user=idle inUse=2 heldDown=0' "$RUN/gateway.out"
  check "the client hears INTERNAL_ADDRESS_FAILURE" "$(why client idle)" grep -q 'INT_ADDR_FAIL\|INTERNAL_ADDRESS_FAILURE' "$RUN/client/charon.log"
  log_out client bob
  check "given back, held down" "$(pool_use p4 inUse) $(pool_use p4 heldDown)" wait_until 10 eval '[ "$(pool_use p4 inUse) $(pool_use p4 heldDown)" = "1 1" ]'
  check "nobody else gets it" "it logged in" not log_in client idle
  logs_in client bob "its last holder does"
  equal "the same address" 10.99.0.10 "$(sa client bob vips)"
  check "show ip local pool" "$(headend show ip local pool)" eval 'headend show ip local pool | grep -q "^ *p4 *10.99.0.10 *10.99.0.10 *0 *2 *0 *2 *2"'
  log_out client bob
  log_out client dave

  # strongSwan installs a route for each of its selectors, for which it must have an address in each.
  address "$CLIENT" lo 2001:db8:d0::77/128 2001:db8:d0:100::77/128
  logs_in client six "login with a pool of prefixes to delegate"
  local device prefix
  device=$(session six device) prefix=$(session six delegatedPrefix)
  check "the prefix is of the pool" "'$prefix'" eval 'case $prefix in 2001:db8:d0:*::/56|2001:db8:d0::/56) ;; *) false ;; esac'
  check "routed to the client" "$(ip -n "$GATEWAY_NS" -6 route)" eval 'ip -n "$GATEWAY_NS" -6 route show "$prefix" | grep -q "dev $device"'
  check "in the client's selectors" "$(sa client six local-ts)" eval 'sa client six local-ts | grep -qF "$prefix"'
  equal "in use" 1 "$(pool_use pd inUse)"
  log_out client six
  check "Delegated-IPv6-Prefix in accounting" "no record" wait_until 20 has_record Stop User-Name=six
  equal "the same one" "$prefix" "$(record Stop Delegated-IPv6-Prefix User-Name=six)"
  check "given back" "$(pool_use pd inUse)" wait_until 10 eval '[ "$(pool_use pd inUse)" = 0 ]'
  check "its route is gone" "$(ip -n "$GATEWAY_NS" -6 route)" eval '[ -z "$(ip -n "$GATEWAY_NS" -6 route show "$prefix")" ]'

  logs_in client branch "login with a framed pool of prefixes"
  prefix=$(session branch framedPrefix)
  equal "its first host is the client's" "${prefix%/64}1" "$(sa client branch vips)"
  check "a prefix that overlaps another session's is refused" "it logged in" not log_in client again
  check "and the log names prefix and holder" "$(tail -n 2 "$RUN/gateway.out")" wait_until 5 grep -q '2001:db8:b1::/56 is assigned to again, but branch holds it' "$RUN/gateway.out"
  log_out client branch
  check "nothing left" @what_is_left wait_until 20 nothing_left
}

# A DHCP server of Debian on the LAN; clients get addresses of 10.97.0.0/24, of which the gateway has 10.97.0.1 as giaddr.
start_dnsmasq() {
  start dnsmasq "$LAN" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --port=0 --user=root --log-facility=- --log-dhcp --no-ping \
    --pid-file="$RUN/dnsmasq.pid-file" --dhcp-leasefile="$RUN/leases" --dhcp-authoritative --interface=eth0 --bind-interfaces \
    --dhcp-range=10.97.0.20,10.97.0.21,255.255.255.0,2m --dhcp-option=option:dns-server,10.10.0.77 --dhcp-option=option:domain-name,leased.example \
    --dhcp-option-force=option:T1,${1:-12} --dhcp-option-force=option:T2,60
  wait_until 10 grep -q 'DHCP, IP range' "$RUN/dnsmasq.out"
}

dhcp_setup() {
  make_topology && make_pki && start_radius radius1 $RADIUS1 && start_lan_services || return 1
  ip -n "$GATEWAY_NS" address add 10.97.0.1/32 dev lo
  ip -n "$LAN" route add 10.97.0.0/24 via 10.10.0.1
  start_dnsmasq && start_gateway
}

dhcp_says() { grep -qE "$1" "$RUN/dnsmasq.out"; }

scenario_dhcp() {
  only_ours "DHCP client" || return
  IPV4_SOURCE="dhcp: { servers: [$LAN_V4], giaddr: 10.97.0.1, timeout: 5s }" POLICY_DNS= CLIENT_IKE_LOG=2
  need setup "no setup" dhcp_setup
  start_client client "$CLIENT" "$(client_connection bob mschapv2 bob
    client_connection dave mschapv2 dave
    client_connection idle mschapv2 idle)"
  logs_in client bob "login with a leased address"
  local address client
  address=$(sa client bob vips) client=$(session bob dhcpLease.clientIdentifier)
  tunnel_works leased client bob bob 10.97.0.2
  check ping "no answer" pings "$CLIENT" $LAN_V4
  check "the server's lease file has it" "$(cat "$RUN/leases")" grep -q " $address .* $client\$" "$RUN/leases"
  check "DNS server of the lease" "not in the client's log" grep -q 'INTERNAL_IP4_DNS' "$RUN/client/charon.log"
  equal "show crypto session detail" "$LAN_V4 10.97.0.1 bound" "$(session bob dhcpLease.server) $(session bob dhcpLease.relay) $(session bob dhcpLease.state)"
  check "as text" "$(headend show crypto session detail)" eval 'headend show crypto session detail | grep -q "dhcp lease *bound, of 10.10.0.2 through 10.97.0.1, expires in 00:0[12]:"'
  local before
  before=$(grep -c 'DHCPACK' "$RUN/dnsmasq.out")
  check "renewed at T1" "$(grep -c DHCPACK "$RUN/dnsmasq.out") DHCPACK" wait_until 25 eval '[ "$(grep -c DHCPACK "$RUN/dnsmasq.out")" -gt '"$before"' ]'
  equal "and still there" "$address" "$(sa client bob vips)"

  logs_in client dave "a second user"
  check "has another address" "$(sa client dave vips)" eval '[ "$(sa client dave vips)" != "$address" ]'
  check "a server without addresses refuses the login" "it logged in" not log_in client idle 25
  check "and the log names it" "$(tail -n 2 "$RUN/gateway.out")" wait_until 5 grep -q 'event=dhcp-lease-failed.*the DHCP server 10.10.0.2 did not answer' "$RUN/gateway.out"
  log_out client dave
  log_out client bob
  check "released" "$(tail -n 3 "$RUN/dnsmasq.out")" wait_until 10 dhcp_says "DHCPRELEASE.* $address"
  check "no lease is left" "$(cat "$RUN/leases")" wait_until 10 eval '[ ! -s "$RUN/leases" ]'

  logs_in client bob "bob again"
  equal "the same address by the same client identifier" "$address $client" "$(sa client bob vips) $(session bob dhcpLease.clientIdentifier)"
  stop gateway KILL
  check "a restart after kill -9" "$(tail -n 3 "$RUN/gateway.out")" start_headend
  swan client --terminate --ike bob --force >/dev/null 2>&1
  logs_in client dave "another user first"
  check "does not get the address that the server has leased" "$(sa client dave vips)" eval '[ "$(sa client dave vips)" != "$address" ]'
  logs_in client bob "bob after the restart"
  equal "his address" "$address" "$(sa client bob vips)"

  stop dnsmasq
  start_dnsmasq_elsewhere
  check "a lease that is refused ends its session" "$(session bob dhcpLease.state)" wait_until 40 eval '[ -z "$(session bob user)" ]'
  check "with its reason" "$(tail -n 3 "$RUN/gateway.out")" wait_until 5 grep -q "event=dhcp-lease-lost.*user=bob.*the DHCP server 10.10.0.2 refused to renew $address" "$RUN/gateway.out"
  check "and Acct-Terminate-Cause" "no record" wait_until 20 has_record Stop User-Name=bob Acct-Terminate-Cause=Lost-Service

  logs_in client bob "a lease of the other range"
  check "its address" "$(sa client bob vips)" eval 'sa client bob vips | grep -q "^10.97.0.9"'
  stop gateway
  check "SIGTERM gives leases back" "$(cat "$RUN/leases")" wait_until 10 eval '[ ! -s "$RUN/leases" ]'
}

# The same server, which knows nothing of its leases and has another range: authoritative, it refuses.
start_dnsmasq_elsewhere() {
  rm -f "$RUN/leases"
  sed -i 's/^/earlier: /' "$RUN/dnsmasq.out"
  start dnsmasq "$LAN" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --port=0 --user=root --log-facility=- --no-ping \
    --pid-file="$RUN/dnsmasq.pid-file" --dhcp-leasefile="$RUN/leases" --dhcp-authoritative --interface=eth0 --bind-interfaces --dhcp-range=10.97.0.90,10.97.0.99,255.255.255.0,2m
  wait_until 10 grep -q '^dnsmasq.*DHCP, IP range' "$RUN/dnsmasq.out"
}
