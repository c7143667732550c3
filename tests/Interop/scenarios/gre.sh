# A FlexVPN spoke of Linux: strongSwan in transport mode and the kernel's GRE device, in the guest of qemu.sh, whose kernel has both; the headend in user space.

spoke_connection() { # spoke_connection NAME LOCAL-ADDRESS [OPTION=VALUE...]: as client_connection, for GRE between the outer addresses
  local name=$1 own=$2; shift 2
  client_connection "$name" mschapv2 alice "local_ts=$own/32[47]" "ts=$GATEWAY_V4/32[47]" mode=transport "$@"
}

# Without an address of the headend's: asked for one, strongSwan 5.9.8 in transport mode rekeys with an empty TSi, which is no syntax (RFC 7296 3.13).
fixed_connection() { spoke_connection "$@" | sed '/vips = /d'; }

gre_device() { # gre_device NAMESPACE LOCAL-ADDRESS KEY
  ip -n "$1" link delete gre1 2>/dev/null
  ip -n "$1" link add gre1 type gre local "$2" remote $GATEWAY_V4 key "$3" ttl 64
  ip -n "$1" link set gre1 mtu 1400 up
}

# spoke_routes NAME NAMESPACE [ADDRESS]: the address, else that which the headend gave, and the LAN behind the tunnel.
spoke_routes() {
  SPOKE=${3:-$(sa "$1" home vips)}
  ip -n "$2" address replace "$SPOKE/32" dev gre1
  ip -n "$2" route replace 10.10.0.0/24 dev gre1 src "$SPOKE"
}

# Once: in the guest each command line takes its time.
show_alice() {
  local number; number=$(session alice id)
  headend show derived-config interface virtual-access "$number" >"$RUN/derived"
  headend show interface virtual-access "$number" >"$RUN/shown"
}
kernel_states() { in_ns "$1" ip xfrm state | grep -c '^src'; }
no_states() { [ "$(kernel_states "$1")" = 0 ]; }
has() { grep -q -- "$2" <<<"$($1)"; }
spoke_rekeyed() { local now; now=$(sa client fixed child-spi); [ -n "$now" ] && [ "$now" != "$1" ]; }

# Three rekeys of the CHILD_SA by the client while it pings.
rekey_spoke() {
  local round before
  start spoke-ping "$CLIENT" ping -n -q -i 0.2 -c 150 -W 10 $LAN_V4
  for round in 1 2 3; do
    before=$(sa client fixed child-spi)
    swan client --rekey --child fixed >"$RUN/rekey.out" 2>&1
    wait_until 10 spoke_rekeyed "$before" || { fail "rekey $round" "$(tail -n 1 "$RUN/rekey.out")"; return; }
  done
  wait_until 60 not running spoke-ping
  check "three rekeys, the mode stays" "$(swan client --list-sas)" has "swan client --list-sas" 'INSTALLED, TRANSPORT'
  check "no packet is lost: $(grep transmitted "$RUN/spoke-ping.out")" "some are" grep -q ' 0% packet loss' "$RUN/spoke-ping.out"
}

scenario_gre_spoke() {
  only_ours "GRE" || return
  CLIENT_ESP=kernel DATA_PLANE=user-space TEMPLATE_MODE=auto
  TEMPLATE_COMMANDS='"ip unnumbered lan0", "ip mtu 1400", "tunnel key 7", "tunnel mode ipsec ipv4", "ip route 10.98.7.1 255.255.255.255"'
  need setup "no setup" standard_setup
  gre_device "$CLIENT" 198.51.100.10 7
  start_client client "$CLIENT" "$(spoke_connection home 198.51.100.10; fixed_connection fixed 198.51.100.10)" || { fail client "did not start"; return; }
  logs_in client home "login in transport mode"
  check "the client has it" "$(swan client --list-sas)" has "swan client --list-sas" 'INSTALLED, TRANSPORT'
  equal "and so has the headend" transport "$(session alice childSas.0.mode)"
  spoke_routes client "$CLIENT"
  check "ping through GRE" "@tail -n 2 $RUN/ping.out" pings "$CLIENT" $LAN_V4
  check "and from the LAN" "@tail -n 2 $RUN/ping.out" pings "$LAN" "$SPOKE"
  check "large packets both ways" "lost" in_ns "$CLIENT" ping -n -q -c 3 -i 0.2 -W 5 -M do -s 1372 $LAN_V4
  MEGABYTES=2 move "TCP by GRE" "$CLIENT" $LAN_V4
  show_alice
  check "derived-config: tunnel mode gre ip" "@cat $RUN/derived" grep -q '^ tunnel mode gre ip$' "$RUN/derived"
  check "derived-config: tunnel key" "@cat $RUN/derived" grep -q '^ tunnel key 7$' "$RUN/derived"
  check "show interface" "@cat $RUN/shown" grep -q 'Tunnel protocol/transport GRE/IP$' "$RUN/shown"
  check "show interface: the key" "@cat $RUN/shown" grep -q 'Key 0x7, sequencing disabled$' "$RUN/shown"

  # Another source than the session's own does not come in.
  ip -n "$CLIENT" address add 10.99.200.1/32 dev gre1
  check "a foreign source is dropped" "an answer" not in_ns "$CLIENT" ping -n -q -c 2 -W 2 -I 10.99.200.1 $LAN_V4
  ip -n "$CLIENT" address delete 10.99.200.1/32 dev gre1

  gre_device "$CLIENT" 198.51.100.10 8
  spoke_routes client "$CLIENT"
  check "with another key nothing passes" "an answer" not pings "$CLIENT" $LAN_V4 2
  gre_device "$CLIENT" 198.51.100.10 7
  spoke_routes client "$CLIENT"
  check "with the right one again" "@tail -n 2 $RUN/ping.out" pings "$CLIENT" $LAN_V4

  log_out client home
  check "nothing is left after logout" @what_is_left wait_until 10 nothing_left

  # With an address of its own, to which a command has a route.
  logs_in client fixed "login in transport mode without an address"
  ip -n "$LAN" route add 10.98.7.0/24 via 10.10.0.1
  spoke_routes client "$CLIENT" 10.98.7.1
  check "ping through GRE" "@tail -n 2 $RUN/ping.out" pings "$CLIENT" $LAN_V4
  rekey_spoke
  check "the session stands" "@tail -n 3 $RUN/gateway.out" pings "$LAN" 10.98.7.1
  log_out client fixed
  check "nothing is left after logout" @what_is_left wait_until 10 nothing_left
  check "nor at the client" "$(in_ns "$CLIENT" ip xfrm state)" wait_until 10 no_states "$CLIENT"
  stop client

  # RFC 7296 2.23.1: the client offers an address that nobody sees.
  make_nat
  gre_device "$INSIDE" 192.168.77.10 7
  place=inside start_client inside "$INSIDE" "$(place=inside spoke_connection home 192.168.77.10)"
  logs_in inside home "login in transport mode behind a NAT"
  spoke_routes inside "$INSIDE"
  check "ping through GRE behind a NAT" "@tail -n 2 $RUN/ping.out" pings "$INSIDE" $LAN_V4
  check "and from the LAN" "@tail -n 2 $RUN/ping.out" pings "$LAN" "$SPOKE"
  log_out inside home
  check "nothing is left after that" @what_is_left wait_until 10 nothing_left
}

scenario_gre() {
  only_ours "GRE" || return
  in_guest 800 gre_spoke
}
