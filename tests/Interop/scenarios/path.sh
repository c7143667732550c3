# The way between client and gateway (V6): its MTU. What a client inside asks the gateway itself (V11): DHCPINFORM.

# The MTU that a refused ping of the LAN host is told; where its kernel has heard of it before, by that kernel.
told_mtu() { in_ns "$LAN" ping -n -c 6 -i 0.2 -W 1 -M do "$@" 2>&1 | sed -nE 's/.*mtu ?[=:] ?([0-9]+).*/\1/p' | head -n 1; }

scenario_path_mtu() {
  only_ours "path MTU discovery" || return
  POOL6=yes TRAFFIC='[10.10.0.0/24, "2001:db8:10::/64"]'
  need setup "no setup" standard_setup
  make_nat
  # A line of 1300 octets behind the client's router.
  ip -n "$NAT" link set in0 mtu 1300
  ip -n "$INSIDE" link set eth0 mtu 1300
  place=inside start_client inside "$INSIDE" "$(place=inside client_connection home mschapv2 bob vips=0.0.0.0,:: ts=10.10.0.0/24,2001:db8:10::/64)"
  logs_in inside home "login over a narrow line"
  local v4 v6
  v4=$(tr ' ,' '\n\n' <<<"$(sa inside home vips)" | grep -m 1 '\.'); v6=$(tr ' ,' '\n\n' <<<"$(sa inside home vips)" | grep -m 1 ':')
  if timeout --foreground 30 ip netns exec "$INSIDE" python3 "$HERE/tools/transfer.py" down $LAN_V4 5001 1000000 >"$RUN/move.out" 2>&1; then ok "1 MB down, checksums equal"; else fail "1 MB down" "$(tail -n 1 "$RUN/move.out")"; fi
  # 1300 less IP 20, UDP 8, ESP 8, IV 8, ICV 16, trailer 2.
  equal "too big for the line: the sender is told" 1238 "$(told_mtu -s 1300 "$v4")"
  check "what fits passes" "no answer" in_ns "$LAN" ping -n -q -c 2 -i 0.2 -W 3 -M do -s 1210 "$v4"
  check "without DF anything passes" "no answer" in_ns "$LAN" ping -n -q -c 2 -i 0.2 -W 3 -M dont -s 1370 "$v4"
  if timeout --foreground 30 ip netns exec "$INSIDE" python3 "$HERE/tools/transfer.py" down $LAN_V6 5001 1000000 >"$RUN/move.out" 2>&1; then ok "1 MB down over IPv6, checksums equal"; else fail "1 MB down over IPv6" "$(tail -n 1 "$RUN/move.out")"; fi
  equal "IPv6: never less than 1280" 1280 "$(told_mtu -6 -s 1300 "$v6")"
  check "IPv6: 1280 pass" "no answer" in_ns "$LAN" ping -6 -n -q -c 2 -i 0.2 -W 3 -M do -s 1232 "$v6"
}

inform() { in_ns "$CLIENT" python3 "$HERE/tools/dhcp_inform.py" "$@"; }

scenario_dhcpinform() {
  only_ours "DHCPINFORM inside the tunnel" || return
  POLICY_DNS='      dns: [10.10.0.54]
      default-domain: corp.example
      route-set: ["prefix 10.10.0.0/24", "prefix 172.16.0.0/12", "prefix 192.168.7.1/32"]'
  TRAFFIC='[0.0.0.0/0]' POLICY_ROUTES=''
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice ts=0.0.0.0/0)"
  logs_in client home login
  local routes expected
  routes="10.10.0.0/24 via 10.10.0.1, 172.16.0.0/12 via 10.10.0.1, 192.168.7.1/32 via 10.10.0.1"
  expected="type 5 from 10.10.0.1 yiaddr 0.0.0.0
server 10.10.0.1
mask 255.255.255.255
dns 10.10.0.53
domain corp.example
121 $routes
249 $routes"
  equal "to everybody" "$expected" "$(inform 10.99.1.10 255.255.255.255 ipsec0)"
  equal "to the headend" "$expected" "$(inform 10.99.1.10 10.10.0.1 ipsec0)"
  equal "DHCPDISCOVER is not answered" "no answer" "$(inform 10.99.1.10 255.255.255.255 ipsec0 --type 1)"
  ip -n "$CLIENT" address add 10.99.1.99/32 dev ipsec0
  equal "another's address is not answered" "no answer" "$(inform 10.99.1.99 255.255.255.255 ipsec0)"
  check ping "no answer" pings "$CLIENT" $LAN_V4
  log_out client home
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
}
