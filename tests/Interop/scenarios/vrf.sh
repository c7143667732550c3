# A session whose interface AAA puts into a VRF that the headend makes: its own LAN is reached, the others' is not, and nothing is left. For the guest of qemu.sh: the
# kernel must have VRFs.

vrf_accounts() {
  cat >>"$1/reply" <<'REPLIES'

bob
	Framed-IP-Address := 10.99.1.11,
	Cisco-AVPair += "ip:interface-config#1=vrf forwarding red",
	Cisco-AVPair += "ip:interface-config#2=ip unnumbered lan1",
	Cisco-AVPair += "ip:interface-config#3=ip route 10.71.0.0 255.255.0.0"
REPLIES
}

# The LAN of the VRF: 10.20.0.1 lan1 ---- 10.20.0.2. Both LANs have a route to every client: what keeps them apart is the VRF.
make_red_lan() {
  add_namespace "$INSIDE"
  link "$INSIDE" eth0 "$GATEWAY_NS" lan1
  address "$GATEWAY_NS" lan1 10.20.0.1/24
  address "$INSIDE" eth0 10.20.0.2/24
  ip -n "$INSIDE" route add 10.99.0.0/16 via 10.20.0.1
  start red-tcp "$INSIDE" python3 "$HERE/tools/transfer.py" serve 10.20.0.2 5001
  wait_until 10 grep -q ready "$RUN/red-tcp.out"
}

in_table() { ip -n "$GATEWAY_NS" route show table "$1" | grep -q "^$2 dev $3 "; }
vrf_devices() { ip -n "$GATEWAY_NS" -o link show type vrf; }
no_vrf() { [ -z "$(vrf_devices)" ]; }
# SYNs whose MSS fits the tunnel, as the host of the VRF saw them.
fitting_syns() { in_ns "$INSIDE" nft list counter inet mss small | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }

scenario_vrf() {
  only_ours "VRFs" || return
  MORE_ACCOUNTS=vrf_accounts EXTRA_SECTIONS='vrfs: [ { name: red, table: 1001 } ]' TRAFFIC='[10.10.0.0/24, 10.20.0.0/24]' DPD=5m
  need setup "no setup" standard_setup
  make_red_lan || { fail "the VRF's LAN" "no service"; return; }
  in_ns "$INSIDE" nft 'add table inet mss; add counter inet mss small; add chain inet mss seen { type filter hook input priority 0; }; add rule inet mss seen tcp flags & (syn | ack) == syn tcp option maxseg size <= 1360 counter name small'
  start_client client "$CLIENT" "$(client_connection alice mschapv2 alice ts=10.10.0.0/24,10.20.0.0/24; client_connection bob mschapv2 bob ts=10.10.0.0/24,10.20.0.0/24)" || { fail client "did not start"; return; }

  logs_in client bob "login into a VRF that is not there yet"
  local device; device=$(session bob device)
  ip -n "$GATEWAY_NS" link set lan1 master red
  check "the VRF is made, with its table" "$(ip -n "$GATEWAY_NS" -d link show red | tr '\n' ' ')" grep -q 'vrf table 1001' <<<"$(ip -n "$GATEWAY_NS" -d link show red)"
  check "the interface is in it" "@ip -n $GATEWAY_NS link show $device" grep -q 'master red' <<<"$(ip -n "$GATEWAY_NS" link show "$device")"
  check "the client's route is in its table" "@ip -n $GATEWAY_NS route show table 1001" in_table 1001 10.99.1.11 "$device"
  check "and that of ip route" "@ip -n $GATEWAY_NS route show table 1001" in_table 1001 10.71.0.0/16 "$device"
  check "and in no other" "@ip -n $GATEWAY_NS route" not in_table main 10.99.1.11 "$device"
  check "ping in the VRF" "@tail -n 2 $RUN/ping.out" pings "$CLIENT" 10.20.0.2
  check "and from there" "@tail -n 2 $RUN/ping.out" pings "$INSIDE" 10.99.1.11
  move "in the VRF" "$CLIENT" 10.20.0.2
  check "ip tcp adjust-mss holds in the VRF" "$(fitting_syns) of 2 SYNs" test "$(fitting_syns)" = 2
  check "the LAN outside the VRF is not reached" "an answer" not pings "$CLIENT" $LAN_V4 2
  log_out client bob
  check "nothing is left after logout" @what_is_left wait_until 10 nothing_left

  logs_in client alice "login without a VRF"
  check "ping" "@tail -n 2 $RUN/ping.out" pings "$CLIENT" $LAN_V4
  check "the VRF's LAN is not reached" "an answer" not pings "$CLIENT" 10.20.0.2 2
  log_out client alice

  logs_in client bob "login into the VRF that stands"
  check "ping in the VRF" "@tail -n 2 $RUN/ping.out" pings "$CLIENT" 10.20.0.2
  stop gateway KILL
  need "kill -9, and it starts again" "see the log" start_headend
  check "no interface, route, state or policy is left" "@what_is_left" eval 'nothing_left && [ -z "$(in_ns "$GATEWAY_NS" ip xfrm state)$(in_ns "$GATEWAY_NS" ip xfrm policy)" ]'
  check "nor the VRF" @vrf_devices no_vrf
}
