# Show 1, rekeys: ten CHILD and ten IKE rekeys in a row under a running transfer lose no packet, whoever starts them.

# Traffic in both directions at a rate that no queue on the way refuses: what is lost is lost by the rekey. FLOW_RATE: octets a second each way, FLOW_ECHO: datagrams a second.
start_flow() { # start_flow NAMESPACE
  start flow-up "$1" python3 "$HERE/tools/transfer.py" up $LAN_V4 5001 500000 --rate "${FLOW_RATE:-6000000}" --stop "$RUN/flow.stop"
  start flow-down "$1" python3 "$HERE/tools/transfer.py" down $LAN_V4 5001 500000 --rate "${FLOW_RATE:-6000000}" --stop "$RUN/flow.stop"
  start flow-echo "$1" python3 "$HERE/tools/udp_echo.py" count $LAN_V4 5002 --rate "${FLOW_ECHO:-200}" --stop "$RUN/flow.stop"
}

flow_ended() { local one; for one in flow-up flow-down flow-echo; do running $one && return 1; done; true; }

# Outer packets that a process was too slow to read: a loss of the machine's, not of the rekey.
buffer_drops() {
  local namespace
  for namespace in "$CLIENT" "$GATEWAY_NS" "$LAN"; do
    in_ns "$namespace" awk -v name="${namespace#*-}" '/^Udp:/ && !n { split($0, heads); n = NF; next } /^Udp:/ { for (i = 1; i <= n; i++) if (heads[i] == "RcvbufErrors") printf "%s %s ", $i, name }' /proc/net/snmp
  done
}

judge_flow() { # judge_flow NAME
  touch "$RUN/flow.stop"
  wait_until 40 flow_ended || fail "$1 flow" "did not end"
  check "$1: UDP echo $(cat "$RUN/flow-echo.out")" "packets are missing; full socket buffers dropped $(buffer_drops)" grep -q ' lost 0 duplicated 0$' "$RUN/flow-echo.out"
  check "$1: TCP up $(tail -n 1 "$RUN/flow-up.out")" "see above" grep -q 'checksums equal' "$RUN/flow-up.out"
  check "$1: TCP down $(tail -n 1 "$RUN/flow-down.out")" "see above" grep -q 'checksums equal' "$RUN/flow-down.out"
  rm -f "$RUN"/flow*
}

changed() { local now; now=$(sa client home "$1"); [ -n "$now" ] && [ "$now" != "$2" ]; }

# rekey_ten KIND: the client starts ten in a row, each after the one before is done.
rekey_ten() {
  local kind=$1 round before
  for round in 1 2 3 4 5 6 7 8 9 10; do
    before=$(sa client home "$kind-spi")
    swan client --rekey "--$kind" home >"$RUN/rekey.out" 2>&1
    wait_until 10 changed "$kind-spi" "$before" || { fail "$kind rekey $round by the client" "still $before: $(tail -n 1 "$RUN/rekey.out")"; return 1; }
  done
  ok "ten $kind rekeys by the client"
}

scenario_rekey_by_client() {
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  logs_in client home login
  start_flow "$CLIENT"
  rekey_ten child
  rekey_ten ike
  judge_flow "rekeys by the client"
  equal "one CHILD_SA is left" 1 "$(sa client home child-count)"
  ours && equal "the gateway holds one session" 1 "$(sessions)"
  check ping "no answer" pings "$CLIENT" $LAN_V4
}

scenario_rekey_without_pfs() {
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice esp=aes256-sha256)"
  logs_in client home login
  start_flow "$CLIENT"
  rekey_ten child
  judge_flow "rekeys without PFS"
}

# count_changes SECONDS: follows both SPIs until each changed ten times.
count_changes() {
  local end=$(($(date +%s) + $1)) child ike now
  child=$(sa client home child-spi) ike=$(sa client home ike-spi)
  child_changes=0 ike_changes=0
  while [ "$(date +%s)" -lt "$end" ] && { [ $child_changes -lt 10 ] || [ $ike_changes -lt 10 ]; }; do
    now=$(sa client home child-spi)
    [ -n "$now" ] && [ "$now" != "$child" ] && child=$now child_changes=$((child_changes + 1))
    now=$(sa client home ike-spi)
    [ -n "$now" ] && [ "$now" != "$ike" ] && ike=$now ike_changes=$((ike_changes + 1))
    sleep 0.2
  done
}

scenario_rekey_by_server() {
  CHILD_LIFETIME=10s IKE_LIFETIME=11s   # the shortest that our configuration allows
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  logs_in client home login
  start_flow "$CLIENT"
  count_changes 240
  check "ten child rekeys by the gateway" "only $child_changes" test "$child_changes" -ge 10
  check "ten ike rekeys by the gateway" "only $ike_changes" test "$ike_changes" -ge 10
  judge_flow "rekeys by the gateway"
  check ping "no answer" pings "$CLIENT" $LAN_V4
}
