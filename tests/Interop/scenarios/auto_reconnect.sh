# FlexVPN's auto-reconnect by our scripted AnyConnect client over UDP, with packets of a TUN device inside: the link goes, the client comes back from another address by its session-id and token.

reconnect_setup() {
  LOAD_TOOL=${LOAD:-$ROOT/tests/Load/bin/Release/net10.0/headend-load.dll}
  [ -e "$LOAD_TOOL" ] || { skip "auto-reconnect" "the load tool is not built"; exit 0; }
  FURTHER_PROFILES="$(anyconnect_profile pap pap)
      reconnect: { timeout: 10m }
      dpd: { interval: 1s, retransmissions: 2 }"
  RADIUS_KEYS="require-message-authenticator: eap"
  DYNAMIC_AUTHOR="dynamic-author: { port: 3799, clients: [ { address: 192.0.2.2, secret: $DAC_SECRET } ] }"
  standard_setup && in_ns "$AAA" nft -f - <<<'table inet asked { chain input { type filter hook input priority 0; udp dport 1812 counter; }; }' || return
  # The device and what hangs on it outlive each client program.
  ip -n "$CLIENT" tuntap add ac0 mode tun && ip -n "$CLIENT" addr add 10.99.1.10/32 dev ac0 && ip -n "$CLIENT" link set ac0 up mtu 1300 &&
    ip -n "$CLIENT" route add "$LAN_V4/32" dev ac0 src 10.99.1.10
}

# client_runs NAME OPTION...: a client with packets inside, in the background; true once it is in.
client_runs() {
  local name=$1; shift
  start "$name" "$CLIENT" dotnet "$LOAD_TOOL" anyconnect --target $GATEWAY_V4 --ca "$RUN/pki/ca.pem" --identity pap --user alice --tun ac0 --hold 600 "$@"
  wait_until 30 grep -qE '^(established|failed)' "$RUN/$name.out" && grep -qx 'established 10.99.1.10' "$RUN/$name.out"
}

alices() { echo "$(session alice device) $(session alice auditSessionId) $(session alice acctSessionId)"; }
is_back() { [ "$(session alice reconnected)" = "$1" ] && is_status alice "UP-*"; }

has_capability() { session alice ikeSa.capabilities | tr ' ' '\n' | grep -qx "$1"; }

# comes_back FILE: one try, of a client without packets; its exit code.
comes_back() { in_ns "$CLIENT" timeout 60 dotnet "$LOAD_TOOL" anyconnect --target $GATEWAY_V4 --ca "$RUN/pki/ca.pem" --user alice --return-from "$1" >"$RUN/try.out" 2>&1; }

scenario_auto_reconnect() {
  only_ours "auto-reconnect" || return
  need setup "no setup" reconnect_setup
  need "echo server" "not ready" echo_server
  need "login by AnyConnect-EAP" "@cat $RUN/first.out" client_runs first --answer pass-word --save-return "$RUN/return1"
  check "capability X" "$(session alice ikeSa.capabilities)" has_capability X
  check ping "no answer" pings "$CLIENT" $LAN_V4
  talk 10.99.1.10
  check "a TCP connection" "$(cat "$RUN/talk.out")" wait_until 10 grep -q one "$RUN/talk.out"
  local before requests down octets
  before=$(alices) requests=$(restart_requests)
  stop first KILL
  link_down
  down=$(milliseconds)
  check "the session sleeps" "$(session alice status)" wait_until 30 is_status alice INACTIVE
  octets=$(session alice inOctets)
  wait_until 10 eval '[ $(($(milliseconds) - down)) -ge 10000 ]'
  ip -n "$CLIENT" addr flush dev eth0 scope global && ip -n "$CLIENT" addr add 198.51.100.77/24 dev eth0
  link_up
  need "the client is back" "@cat $RUN/second.out" client_runs second --return-from "$RUN/return1" --save-return "$RUN/return2"
  check "from another address" "$(session alice remoteAddress)" test "$(session alice remoteAddress)" = 198.51.100.77
  check "and known as such" "$(headend show crypto session)" is_back True
  check "capability R" "$(session alice ikeSa.capabilities)" has_capability R
  check "X no more" "$(session alice ikeSa.capabilities)" not has_capability X
  equal "interface, audit-session-id, Acct-Session-Id" "$before" "$(alices)"
  check "ping after sleep" "no answer" pings "$CLIENT" $LAN_V4
  : >"$RUN/say-two"
  check "the TCP connection goes on" "$(cat "$RUN/talk.out")" wait_until 60 grep -q two "$RUN/talk.out"
  check "counters go on" "$octets before, $(session alice inOctets) now" test "$(session alice inOctets)" -gt "$octets"
  equal "FreeRADIUS saw no Access-Request" "$requests" "$(restart_requests)"
  equal "one Start" 1 "$(records Start)"
  equal "told as the chapter tells it" "Total incoming reconnect connection:        1
Success reconnect connection:               1
Failed reconnect connection:                0
Reconnect capable active session count:     1
Reconnect capable inactive session count:   0" "$(headend show crypto ikev2 stats reconnect)"
  stop second KILL

  # Refused: nothing but AUTHENTICATION_FAILED, and nothing happens to the session.
  sed '2s/^./x/; 2y/0123456789abcdefx/1234567890bcdefa0/' "$RUN/return2" >"$RUN/wrong"
  check "a wrong token is refused" "@cat $RUN/try.out" not comes_back "$RUN/wrong"
  need "back with the newest token" "@cat $RUN/third.out" client_runs third --return-from "$RUN/return2" --save-return "$RUN/return3"
  equal "the same session" "$before" "$(alices)"
  stop third KILL
  check "a token of before is refused" "@cat $RUN/try.out" not comes_back "$RUN/return1"
  equal "Disconnect-Request" ACK "$(radclient_asks disconnect "Acct-Session-Id = ${before##* }")"
  check "disconnected: refused" "@cat $RUN/try.out" not comes_back "$RUN/return3"
  equal "FreeRADIUS still saw none" "$requests" "$(restart_requests)"
  need "a login works" "@cat $RUN/fourth.out" client_runs fourth --answer pass-word --save-return "$RUN/return4"
  stop fourth KILL
  headend clear crypto session user alice >/dev/null
  check "cleared: over" "$(headend show crypto session)" wait_until 20 eval '[ "$(sessions)" = 0 ]'
  check "cleared: refused" "@cat $RUN/try.out" not comes_back "$RUN/return4"
  equal "failures are counted" 4 "$(headend show crypto ikev2 stats reconnect | awk -F: '/^Failed/ { print $2 + 0 }')"
  check "nothing left" @what_is_left wait_until 20 nothing_left
}
