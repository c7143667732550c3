# Show 3: every way a login fails. The client learns AUTHENTICATION_FAILED and no more, the log says why, nothing stays.

# login_lines PATTERN: the gateway's lines about a login that did not succeed and match.
login_lines() { grep -E 'outcome="?(failed|rejected)' "$RUN/gateway.out" | grep -cE "$1"; }

# logged NAME PATTERN COUNT: that many lines, neither fewer nor more.
logged() {
  ours || return 0
  wait_until 3 eval "[ \"\$(login_lines '$2')\" -ge $3 ]"
  equal "$1: log lines that say why (/$2/)" "$3" "$(login_lines "$2")"
}

# refused NAME LOG-PATTERN [SECONDS]: connection "home" of a started client must fail that way.
refused() {
  check "$1: the client is refused" "it logged in" not log_in client home "${3:-20}"
  check "$1: the client saw AUTHENTICATION_FAILED" "@why client home" saw_authentication_failed client home
  logged "$1" "$2" 1
  check "$1: nothing left" @what_is_left wait_until 10 nothing_left
  check "$1: no accounting" "there are records" not has_record any
}

scenario_wrong_password() {
  need setup "no setup" standard_setup
  ALICE_PASSWORD=not-her-word start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  refused "wrong password" 'user=alice .*authentication-failed'
}

scenario_unknown_user() {
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 nobody)"
  refused "unknown user" 'user=nobody .*authentication-failed'
}

# The client's first IKE_AUTH passes, everything after is lost: the gateway waits for an EAP answer that never comes.
scenario_eap_timeout() {
  EAP_TIMEOUT=45s HALF_OPEN=5 CLIENT_RETRIES=1   # 45 s is the shortest that our configuration allows
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  in_ns "$CLIENT" nft -f - <<'NFT'
table inet stall {
  chain output {
    type filter hook output priority 0;
    udp dport 4500 numgen inc mod 100000 > 0 drop
  }
}
NFT
  check "stalled client: no login" "it logged in" not log_in client home 12
  check "stalled client: nothing left" @what_is_left wait_until 60 nothing_left
  logged "stalled client" eap-timeout 1
}

scenario_radius_silent() {
  RADIUS=$RADIUS_SILENT RADIUS_TIMEOUT=1s RADIUS_RETRANSMIT=1 STRONGSWAN_RADIUS_TIMEOUT=1.0 STRONGSWAN_RADIUS_TRIES=2
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  refused "silent RADIUS" 'user=alice .*aaa-unavailable'
}

scenario_radius_wrong_secret() {
  RADIUS_TIMEOUT=1s RADIUS_RETRANSMIT=1 STRONGSWAN_RADIUS_TIMEOUT=1.0 STRONGSWAN_RADIUS_TRIES=2
  WRONG_SECRET=another-secret SECRET_FILE=wrong
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  refused "wrong RADIUS secret" 'user=alice .*aaa-unavailable'
}

# An attacker between headend and RADIUS who cannot compute a Message-Authenticator says Access-Accept (RFC 3579 3.2, Blast-RADIUS).
scenario_radius_without_message_authenticator() {
  local mode
  RADIUS=$RADIUS_FAULTY RADIUS_TIMEOUT=1s RADIUS_RETRANSMIT=1 STRONGSWAN_RADIUS_TIMEOUT=1.0 STRONGSWAN_RADIUS_TRIES=2
  need setup "no setup" standard_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  for mode in no-message-authenticator bad-message-authenticator bad-authenticator; do
    start faulty "$AAA" python3 "$HERE/tools/faulty_radius.py" $RADIUS_FAULTY 1812 $RADIUS_SECRET $mode
    wait_until 5 grep -q ready "$RUN/faulty.out"
    : >"$RUN/client/charon.log"
    check "$mode: the client is refused" "it logged in" not log_in client home
    check "$mode: the client saw AUTHENTICATION_FAILED" "@why client home" saw_authentication_failed client home
    check "$mode: the responder was asked" "it was not" grep -q answered "$RUN/faulty.out"
    check "$mode: nothing left" @what_is_left wait_until 10 nothing_left
    stop faulty; rm -f "$RUN/faulty.out"
  done
  logged "each attempt" 'user=alice .*aaa-unavailable' 3
}
