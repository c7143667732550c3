# Show 7: no configuration at all, in a namespace with nothing but addresses; the files it leaves for strongSwan are used as they are.

scenario_zero_configuration() {
  only_ours "zero-configuration start" || return
  [ -x "$HEADEND" ] || { fail start "no $HEADEND"; return; }
  add_namespace "$GATEWAY_NS"; add_namespace "$CLIENT"; add_namespace "$LAN"
  link "$CLIENT" eth0 "$GATEWAY_NS" wan0
  address "$CLIENT" eth0 198.51.100.10/24
  address "$GATEWAY_NS" wan0 $GATEWAY_V4/24
  ip -n "$CLIENT" route add default via $GATEWAY_V4
  # The gateway's way to the Internet tells its outer interface from the inner one.
  ip -n "$GATEWAY_NS" route add default via 198.51.100.10
  link "$LAN" eth0 "$GATEWAY_NS" lan0
  address "$GATEWAY_NS" lan0 10.10.0.1/24
  address "$LAN" eth0 $LAN_V4/24
  in_ns "$GATEWAY_NS" sysctl -qw net.ipv4.ip_forward=1
  start who-lan "$LAN" python3 "$HERE/tools/peer_address.py" serve 5005
  start gateway "$GATEWAY_NS" "$HEADEND" run --state "$RUN/state" --socket "$RUN/admin.sock"
  need "starts without a configuration" "@tail -n 3 $RUN/gateway.out" headend_ready
  local conf; conf=$(find "$RUN/state" -name swanctl.conf | head -n 1)
  need "wrote a swanctl configuration" "no swanctl.conf below the state directory: $(find "$RUN/state" -type f | tr '\n' ' ')" test -n "$conf"
  say "printed: $(grep -ciE 'swanctl|strongswan' "$RUN/gateway.out") lines about strongSwan; files: $(cd "$RUN/state" && find . -type f | tr '\n' ' ')"
  check "the instructions name the directory" "they do not" wait_until 5 grep -qF "$(dirname "$conf")" "$RUN/gateway.out"
  start_charon client "$CLIENT" || { fail client "did not start"; return; }
  need "swanctl takes the files as they are" "$(tail -n 2 "$RUN/zero.load" 2>/dev/null)" eval 'SWANCTL_DIR=$(dirname "$conf") swan client --load-all >"$RUN/zero.load" 2>&1'
  local child; child=$(swan client --list-conns --raw 2>/dev/null | grep -oE 'children \{[^ ]+' | head -n 1 | sed 's/children {//')
  need "the files hold a child" "none listed" test -n "$child"
  logs_in client "$child" "connects at the first try"
  local name; name=$(swan client --list-sas --raw | grep -oE 'event \{[^ ]+' | head -n 1 | sed 's/event {//')
  check "has an inner address" "none" test -n "$(sa client "$name" vips)"
  equal "one session" 1 "$(sessions)"
  equal "a LAN host without a route back answers, and sees the headend" 10.10.0.1 "$(seen_by_lan)"
}
