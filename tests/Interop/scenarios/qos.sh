# Show 2 of issue 4, traffic policies: what AAA and the configuration ask for, measured by iperf3 between a strongSwan client and the LAN host, changed by radclient
# while traffic runs, and gone with the session.

qos_accounts() {
  cat >>"$1/reply" <<'REPLIES'

bob
	Framed-IP-Address := 10.99.1.11,
	WISPr-Bandwidth-Max-Up := 5000000,
	Mikrotik-Rate-Limit := "5M/4M 8M/0 4M/0 8/0"

dave
	Cisco-AVPair += "ip:sub-qos-policy-out=nosuch"
REPLIES
  sed -i 's/^alice$/alice\n\tCisco-AVPair += "ip:sub-qos-policy-in=gold",\n\tCisco-AVPair += "ip:sub-qos-policy-out=gold",/' "$1/reply"
}

QOS_SECTION='access-lists: [ { name: lan, entries: ["permit tcp any host 10.10.0.2 eq 5201", "permit tcp host 10.10.0.2 eq 5201 any"] } ]
qos:
  class-maps:
    - { name: voice, dscp: [ef] }
    - { name: datagrams, protocol: [udp] }
    - { name: pings, protocol: [icmp] }
    - { name: to-lan, access-group: [lan] }
  policy-maps:
    - { name: gold, classes: [ { class: default, police: 10Mbit } ] }
    - { name: marked, classes: [ { class: pings, set-dscp: ef }, { class: to-lan, set-dscp: af21, police: 5Mbit }, { class: default, police: 1Mbit } ] }
    - { name: silver, classes: [ { class: default, police: 2Mbit } ] }
    - { name: shaped, classes: [ { class: default, shape: 10Mbit } ] }
    - { name: tiers, classes: [ { class: default, shape: 8Mbit, service-policy: inner } ] }
    - { name: inner, classes: [ { class: voice, priority: 1Mbit }, { class: datagrams, bandwidth: 25% }, { class: default } ] }'

mbit() { [ -n "${QOS_TENTH:-}" ] && echo 00kbit || echo Mbit; }
# shown_rate N: N Mbit/s, or their tenth, as tc prints it.
shown_rate() { [ -n "${QOS_TENTH:-}" ] && echo "rate ${1}00Kbit" || echo "rate ${1}Mbit"; }

qos_setup() {
  # QOS_TENTH=1: a tenth of every rate, for emulated processors.
  MORE_ACCOUNTS=qos_accounts EXTRA_SECTIONS=${QOS_SECTION//Mbit/$(mbit)} DYNAMIC_AUTHOR=$DYNAMIC_AUTHOR_LINE DPD=5m
  standard_setup || return 1
  start iperf "$LAN" iperf3 --server --forceflush
  wait_until 10 grep -q 'Server listening' "$RUN/iperf.out"
}

# What of the gateway a policy could leave behind.
kernel_state() {
  ip -n "$GATEWAY_NS" -o link show | sed 's/^[0-9]*: //; s/@if[0-9]*//'
  in_ns "$GATEWAY_NS" tc qdisc show
  in_ns "$GATEWAY_NS" nft -s list ruleset
}
state_is() { [ "$(kernel_state)" = "$1" ]; }

# rate tcp|udp up|down CLIENT-ADDRESS [SECONDS]: what arrived, in kbit/s; UDP is offered at twice the highest rate.
rate() {
  local options=()
  [ "$1" = udp ] && options=(--udp --bitrate "$([ -n "${QOS_TENTH:-}" ] && echo 2M || echo 20M)" --length 1300)
  [ "$2" = down ] && options+=(--reverse)
  timeout --foreground 60 ip netns exec "$CLIENT" iperf3 --client $LAN_V4 --bind "$3" --time "${4:-5}" --omit 1 --json "${options[@]}" >"$RUN/iperf.json" 2>&1
  python3 "$HERE/tools/iperf_rate.py" "$RUN/iperf.json"
}

# watch_dscp NAMESPACE DEVICE MATCH: counts what comes in by DSCP.
watch_dscp() {
  in_ns "$1" nft "add table inet dscp; add chain inet dscp seen { type filter hook input priority 0; }"
  local one
  for one in ef af21; do in_ns "$1" nft "add counter inet dscp $one; add rule inet dscp seen iifname $2 $3 ip dscp $one counter name $one"; done
}
seen_dscp() { in_ns "$1" nft list counter inet dscp "$2" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }

# measures NAME MBIT WAYS CLIENT-ADDRESS [PROTOCOLS]: TCP and UDP within 10 % of the rate.
measures() {
  local way protocol got unit=1000
  [ -z "${QOS_TENTH:-}" ] || unit=100
  for way in $3; do
    for protocol in ${5:-tcp udp}; do
      got=$(rate $protocol "$way" "$4")
      # In 5 s one retransmission timeout of TCP is a fifth of the time, and behind a policer a bad start lasts: then it is measured over 20 s, twice at most. The bounds are the same, and UDP has to keep them at once.
      for _ in 1 2; do
        [ $protocol = tcp ] && [ "$got" -lt $(($2 * unit * 9 / 10)) ] || break
        echo "# $1: tcp $way measured $got kbit/s"
        got=$(rate tcp "$way" "$4" 20)
      done
      check "$1: $protocol $way measures $(($2 * unit)) kbit/s within 10 %: $got" "$got kbit/s" test "$got" -ge $(($2 * unit * 9 / 10)) -a "$got" -le $(($2 * unit * 11 / 10))
    done
  done
}

# The short one: AAA's policy both ways, a CoA under traffic, nothing left.
scenario_qos() {
  only_ours "traffic policies" || return
  need setup "no setup" qos_setup
  start_client client "$CLIENT" "$(for user in alice dave; do client_connection $user mschapv2 $user; done)"
  local before; before=$(kernel_state)

  logs_in client alice "login alice"
  measures "police of AAA" 10 "up down" 10.99.1.10
  check "what is above the rate is counted as dropped" "$(headend show policy-map interface virtual-access "$(session alice id)" --json | tr -d ' \n')" qos_dropped alice

  # Live: a stream below both rates loses nothing, and the new rate holds when the ACK is there.
  in_ns "$CLIENT" iperf3 --client $LAN_V4 --bind 10.99.1.10 --udp --bitrate "1$([ -n "${QOS_TENTH:-}" ] && echo 00k || echo M)" --length 1000 --time 5 --json >"$RUN/stream.json" 2>&1 &
  local stream=$!
  sleep 2
  equal "CoA: another policy in both directions" ACK "$(radclient_asks coa 'User-Name = "alice"' 'Cisco-AVPair += "ip:sub-qos-policy-in=silver"' 'Cisco-AVPair += "ip:sub-policy-Out=silver"')"
  equal "the kernel has it when the ACK comes" 2 "$(qos_classes alice | grep -c "$(shown_rate 2)")"
  wait $stream
  equal "a stream below the rate lost nothing meanwhile" 0 "$(python3 "$HERE/tools/iperf_rate.py" "$RUN/stream.json" lost)"
  measures "police of the CoA" 2 "up down" 10.99.1.10
  equal "CoA: a policy that is not there: 407" "NAK Invalid-Attribute-Value" "$(radclient_asks coa 'User-Name = "alice"' 'Cisco-AVPair += "ip:interface-config=ip mtu 1300"' 'Cisco-AVPair += "ip:sub-qos-policy-in=nosuch"')"
  equal "and nothing of that request" "1400 2" "$(device_mtu alice) $(qos_classes alice | grep -c "$(shown_rate 2)")"
  equal "CoA: a policy that sets DSCP" ACK "$(radclient_asks coa 'User-Name = "alice"' 'Cisco-AVPair += "ip:sub-qos-policy-in=marked"' 'Cisco-AVPair += "ip:sub-qos-policy-out=marked"')"
  watch_dscp "$LAN" eth0 "ip saddr 10.99.1.10"
  watch_dscp "$CLIENT" ipsec0 "ip saddr $LAN_V4"
  check "ping with a marking policy" "no answer" pings "$CLIENT" $LAN_V4
  equal "DSCP of pings seen by the LAN host and by the client" "3 3" "$(seen_dscp "$LAN" ef) $(seen_dscp "$CLIENT" ef)"
  measures "the class of an access list" 5 "up down" 10.99.1.10 tcp
  check "DSCP of the access list's class seen by the LAN host" "$(seen_dscp "$LAN" af21)" test "$(seen_dscp "$LAN" af21)" -gt "$([ -n "${QOS_TENTH:-}" ] && echo 30 || echo 1000)"
  # At a tenth too few packets pass to measure it.
  [ -n "${QOS_TENTH:-}" ] || measures "what no class takes" 1 up 10.99.1.10 udp
  log_out client alice
  check "a policy that is not there refuses the login" "$(why client dave)" not log_in client dave
  check "the log says why" "$(tail -n 3 "$RUN/gateway.out")" wait_until 5 gateway_says 'no policy map nosuch'
  check "nothing is left in the kernel" "@kernel_state" wait_until 10 state_is "$before"
}

# Every action and every way to ask for it.
scenario_qos_actions() {
  only_ours "traffic policies" || return
  need setup "no setup" qos_setup
  start_client client "$CLIENT" "$(for user in alice bob; do client_connection $user mschapv2 $user; done)"
  local before; before=$(kernel_state)

  logs_in client alice "login alice"
  equal "CoA: the chapter's form" ACK "$(radclient_asks coa 'User-Name = "alice"' 'Cisco-AVPair += "ip:interface-config=service-policy output shaped"')"
  measures "shape of the CoA" 10 down 10.99.1.10
  equal "CoA: classes within a shaper" ACK "$(radclient_asks coa 'User-Name = "alice"' 'Cisco-AVPair += "ip:sub-qos-policy-out=tiers"' 'Cisco-AVPair += "ip:sub-qos-policy-in=tiers"')"
  measures "shaper with classes" 8 "up down" 10.99.1.10
  equal "CoA: no policy any more" ACK "$(radclient_asks coa 'User-Name = "alice"' 'Cisco-AVPair += "ip:interface-config=no service-policy output"' 'Cisco-AVPair += "ip:interface-config=no service-policy input"')"
  check "the kernel has none" "$(qos_classes alice)" test -z "$(qos_classes alice)"
  check "no limit is left" "below 20 Mbit/s" test "$(rate tcp up 10.99.1.10 2)" -gt 20000
  equal "CoA: rates" ACK "$(radclient_asks coa 'User-Name = "alice"' 'WISPr-Bandwidth-Max-Down = 3000000' 'WISPr-Bandwidth-Max-Up = 3000000')"
  measures "WISPr rate of the CoA" 3 "up down" 10.99.1.10
  equal "CoA: a rate of 0 takes it away" ACK "$(radclient_asks coa 'User-Name = "alice"' 'WISPr-Bandwidth-Max-Down = 0' 'WISPr-Bandwidth-Max-Up = 0')"
  check "the kernel has none" "$(qos_classes alice)" test -z "$(qos_classes alice)"
  log_out client alice
  check "nothing is left in the kernel" "@kernel_state" wait_until 10 state_is "$before"

  logs_in client bob "login bob"
  # 8 s of 4 Mbit/s are 4 s at 8 Mbit/s: until then the burst passes.
  local burst; burst=$(rate tcp up 10.99.1.11 3)
  check "Mikrotik-Rate-Limit: a burst passes first: $burst kbit/s" "$burst kbit/s" test "$burst" -ge 6000
  measures "Mikrotik-Rate-Limit behind its burst" 5 up 10.99.1.11
  measures "Mikrotik-Rate-Limit without a burst" 4 down 10.99.1.11
  log_out client bob

  # Killed with a session that has an ifb device.
  logs_in client alice "login alice again"
  stop gateway KILL
  start_headend || fail "start after the kill" "$(tail -n 3 "$RUN/gateway.out")"
  check "a killed run leaves nothing behind the next start" "@kernel_state" wait_until 10 state_is "$before"
}

qos_classes() { local device; device=$(session "$1" device); in_ns "$GATEWAY_NS" tc class show dev "$device"; in_ns "$GATEWAY_NS" tc class show dev "$device-in" 2>/dev/null; }

qos_dropped() { headend show policy-map interface virtual-access "$(session "$1" id)" --json | python3 -c 'import json,sys; sys.exit(0 if all(c["droppedPackets"] > 0 and c["octets"] > 1000000 for d in json.load(sys.stdin) for c in d["classes"]) else 1)'; }
