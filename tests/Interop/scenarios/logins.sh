# Show 1: each EAP method, then the same login over other paths.

standard_setup() { # gateway, RADIUS, LAN services; the scenario's variables already set
  make_topology && make_pki && start_radius radius1 $RADIUS1 && start_lan_services && start_gateway
}

# tunnel_works NAME NAMESPACE USER CONNECTION EXPECTED-ADDRESS-PATTERN
tunnel_works() {
  local address
  address=$(sa "$2" "$4" vips)
  case " $address" in
    *" "$5*) ok "$1 address $address" ;;
    *) fail "$1 address" "expected $5, got '$address'" ;;
  esac
}

login_scenario() { # login_scenario METHOD USER ADDRESS-PATTERN
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home "$1" "$2")" || { fail client "did not start"; return; }
  logs_in client home "login with EAP-${1^^}"
  tunnel_works "EAP-${1^^}" client "$2" home "$3"
  check ping "no answer from the LAN host: $(tail -n 2 "$RUN/ping.out" 2>/dev/null)" pings "$CLIENT" $LAN_V4
  move "EAP-${1^^}" "$CLIENT" $LAN_V4
  if ours; then
    equal "session user" "$2" "$(session "$2" user)"
    equal "session status" UP-ACTIVE "$(session "$2" status)"
    check "virtual-access device" "devices: $(ip -n "$GATEWAY_NS" -br link | tr '\n' ' ')" test -n "$(virtual_devices)"
  fi
  log_out client home
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
}

scenario_mschapv2() { login_scenario mschapv2 alice 10.99.1.10; }
scenario_eap_tls() { login_scenario tls carol@example.com 10.99.1.11; }
scenario_eap_ttls() { login_scenario ttls bob 10.99.0.; }
scenario_eap_gtc() { WITHOUT_KEY=yes login_scenario gtc bob 10.99.0.; }
scenario_eap_md5() { WITHOUT_KEY=yes login_scenario md5 alice 10.99.1.10; }

scenario_method_without_key_refused() {
  only_ours "EAP-MD5 without permission" "strongSwan accepts methods without a key" || return
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home md5 alice)"
  check "EAP-MD5 is refused" "it logged in" not log_in client home
  check "client saw AUTHENTICATION_FAILED" "@why client home" saw_authentication_failed client home
  check "nothing left" @what_is_left wait_until 10 nothing_left
}

scenario_ecdsa() {
  CERTIFICATE=gateway-ecdsa
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice proposals=aes256gcm16-prfsha384-ecp384)"
  logs_in client home "login, ECDSA certificate, AES-GCM, ecp384"
  check ping "no answer" pings "$CLIENT" $LAN_V4
}

scenario_nat() {
  need setup "no setup" standard_setup
  make_nat
  place=inside start_client inside "$INSIDE" "$(place=inside client_connection home mschapv2 alice)"
  logs_in inside home "login behind NAT"
  tunnel_works NAT inside alice home 10.99.1.10
  check ping "no answer" pings "$INSIDE" $LAN_V4
  move NAT "$INSIDE" $LAN_V4
  log_out inside home
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
}

# The router gets another address: the session follows the client's next packet, and its counters go on.
scenario_nat_rebinding() {
  only_ours "a client whose address changes without MOBIKE" || return
  need setup "no setup" standard_setup
  make_nat
  place=inside start_client inside "$INSIDE" "$(place=inside client_connection home mschapv2 alice)"
  logs_in inside home "login behind NAT"
  check ping "no answer" pings "$INSIDE" $LAN_V4 5
  equal "seen at" 203.0.113.10 "$(session alice remoteAddress)"
  local before
  before=$(session alice inPackets)
  ip -n "$NAT" address add 203.0.113.11/24 dev out0
  ip -n "$NAT" address del 203.0.113.10/24 dev out0
  ip -n "$NAT" route replace default via 203.0.113.1
  check "ping from the new address" "no answer" wait_until 10 pings "$INSIDE" $LAN_V4 5
  equal "followed to" 203.0.113.11 "$(session alice remoteAddress)"
  check "no reply is lost any more" "$(tail -n 2 "$RUN/ping.out" | tr '\n' ' ')" eval 'pings "$INSIDE" $LAN_V4 5 && grep -q " 0% packet loss" "$RUN/ping.out"'
  check "packets before and after are counted" "$before, then $(session alice inPackets)" eval '[ "$(session alice inPackets)" -ge $((before + 10)) ]'
  log_out inside home
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
}

scenario_ipv6_transport() {
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice gateway=$GATEWAY_V6)"
  logs_in client home "login over IPv6"
  tunnel_works "IPv6 transport" client alice home 10.99.1.10
  check ping "no answer" pings "$CLIENT" $LAN_V4
  move "IPv6 transport" "$CLIENT" $LAN_V4
}

scenario_inner_ipv6() {
  POOL6=yes TRAFFIC='[10.10.0.0/24, "2001:db8:10::/64"]'
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 bob vips=0.0.0.0,:: ts=10.10.0.0/24,2001:db8:10::/64)"
  logs_in client home "login with both families"
  tunnel_works "inner IPv6" client bob home 2001:db8:99::
  tunnel_works "inner IPv4 beside it" client bob home 10.99.0.
  check "ping IPv6" "no answer: $(tail -n 2 "$RUN/ping.out" 2>/dev/null)" pings "$CLIENT" $LAN_V6
  check "ping IPv4" "no answer" pings "$CLIENT" $LAN_V4
  move "inner IPv6" "$CLIENT" $LAN_V6
}

scenario_fragments() {
  # EAP-TLS carries the longest messages; 576 octets cut them into many fragments both ways.
  FRAGMENT=576
  EXTRA_SECTIONS=${FRAGMENT_SECTION:-}
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home tls carol@example.com)"
  logs_in client home "login in IKE fragments of 576 octets"
  check "the client sent fragments" "none in its log" grep -q 'splitting IKE message' "$RUN/client/charon.log"
  check "the gateway sent fragments" "none in the client's log" grep -q 'received fragment #1' "$RUN/client/charon.log"
  check ping "no answer" pings "$CLIENT" $LAN_V4
  move fragments "$CLIENT" $LAN_V4
}

# A client that asks for everything gets what the profile gives (RFC 7296 2.9).
scenario_narrowing() {
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice ts=0.0.0.0/0)"
  logs_in client home "login, selectors of 0.0.0.0/0"
  equal "narrowed to the LAN" 10.10.0.0/24 "$(sa client home remote-ts)"
  check ping "no answer" pings "$CLIENT" $LAN_V4
}
