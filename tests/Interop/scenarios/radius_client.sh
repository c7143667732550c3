# RADIUS over TLS, a man in the middle, and a server that asks a person first.

# between NAME ADDRESS ARGUMENTS...: radius_between.py there, in front of radius1.
between() {
  local name=$1 address=$2; shift 2
  rm -f "$RUN/$name.out"
  start "$name" "$AAA" python3 "$HERE/tools/radius_between.py" "$address" 1812 $RADIUS1 1812 "$RADIUS_SECRET" "$@"
  wait_until 10 grep -q ready "$RUN/$name.out"
}

start_radsecproxy() {
  cat >"$RUN/radsecproxy.conf" <<CONF
ListenTLS $RADIUS1:2083
LogLevel 3
LogDestination file://$RUN/radsecproxy.log
tls default {
	CACertificateFile $RUN/pki/ca.pem
	CertificateFile $RUN/pki/radius.pem
	CertificateKeyFile $RUN/pki/radius.key
}
client headend {
	host 192.0.2.1
	type tls
	tls default
	certificateNameCheck off
	matchCertificateAttribute CN:/^headend\$/
}
server authentication {
	host $RADIUS1
	port 1812
	type udp
	secret $RADIUS_SECRET
}
server accounting {
	host $RADIUS1
	port 1813
	type udp
	secret $RADIUS_SECRET
}
realm * {
	server authentication
	accountingServer accounting
}
CONF
  start radsecproxy "$AAA" radsecproxy -f -c "$RUN/radsecproxy.conf"
  wait_until 10 eval 'in_ns "$AAA" ss -Hltn "sport = :2083" | grep -q 2083' || { say "radsecproxy: $(tail -n 3 "$RUN/radsecproxy.out" "$RUN/radsecproxy.log" | tr '\n' ' ')"; return 1; }
}

tls_connections() { in_ns "$GATEWAY_NS" ss -Htn state established "dport = :2083" | wc -l; }

aaa_server() { headend show aaa servers --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"; }

scenario_radsec() {
  only_ours "RADIUS over TLS" "eap-radius has none" || return
  PACKAGES="$PACKAGES radsecproxy" ensure_packages || { fail "radsecproxy" "could not be installed"; return; }
  RADIUS_MORE_CLIENTS="client proxy {
	ipaddr = $RADIUS1
	secret = $RADIUS_SECRET
}"
  make_topology; make_pki
  need "client certificate" "openssl failed" eval 'issue headend rsa "/O=Interop/CN=headend" "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n" >>"$RUN/pki.log" 2>&1'
  RADIUS_PROOF="transport: tls, ca-file: $RUN/pki/ca.pem, certificate: $RUN/pki/headend.pem, key: $RUN/pki/headend.key, server-name: radius.example.com"
  need setup "no setup" eval 'start_radius radius1 $RADIUS1 && start_radsecproxy && start_lan_services && start_gateway'
  check "the connection stands before anybody logs in" "none" wait_until 10 eval '[ "$(tls_connections)" = 1 ]'
  check "the server answers Status-Server" "@headend show aaa servers" wait_until 10 eval '[ "$(aaa_server probesAnswered)" -ge 1 ]'
  check "radius test over TLS" "@cat $RUN/test.out" eval 'echo pass-word | in_ns "$GATEWAY_NS" "$HEADEND" radius test radius1 --config "$RUN/headend.yaml" --user alice >"$RUN/test.out" 2>&1'
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice; client_connection second mschapv2 bob)"
  logs_in client home "login over TLS"
  check "traffic" "no answer" pings "$CLIENT" $LAN_V4
  check "accounting over the same connection" "no Start" wait_until 5 has_record Start User-Name=alice
  equal "TLS connections" 1 "$(tls_connections)"
  stop radsecproxy KILL
  check "the loss is seen and logged" "@headend show aaa servers" wait_until 10 grep -q radius-connection-down "$RUN/gateway.out"
  need "radsecproxy again" "it did not start" start_radsecproxy
  check "the connection is made again by itself" "@headend show aaa servers" wait_until 20 eval '[ "$(tls_connections)" = 1 ] && [ "$(aaa_server state)" = up ]'
  logs_in client second "login over the new connection"
  log_out client home
  check "Stop over the new connection" "no record" wait_until 10 has_record Stop User-Name=alice

  stop gateway
  RADIUS_PROOF=${RADIUS_PROOF/radius.example.com/other.example.com}
  : >"$RUN/gateway.out"
  need "gateway again" "it did not start" start_gateway
  check "another name in the server's certificate: no connection, and the log says why" "@tail -n 3 $RUN/gateway.out" \
    wait_until 10 grep -q 'radius-connection-down.*RemoteCertificateNameMismatch' "$RUN/gateway.out"
  check "... and no login" "it logged in" not log_in client home 10
}

scenario_radius_blast() {
  only_ours "BlastRADIUS rule by rule" "has no rules" || return
  local rule forgery
  RADIUS=$RADIUS_FAULTY RADIUS_TIMEOUT=1s RADIUS_RETRANSMIT=1 WITHOUT_KEY=true ACCOUNTING=no
  RADIUS_MORE_CLIENTS="client between {
	ipaddr = $RADIUS_FAULTY
	secret = $RADIUS_SECRET
}"
  make_topology; make_pki
  need setup "no setup" eval 'start_radius radius1 $RADIUS1 && start_lan_services'
  # A method without keys: an Access-Accept alone would be a login.
  ALICE_PASSWORD=not-her-word start_client client "$CLIENT" "$(client_connection home md5 alice)"
  for rule in always eap; do
    RADIUS_KEYS="require-message-authenticator: $rule"
    need "$rule: gateway" "it did not start" start_gateway
    for forgery in code collision altered stripped proxy-state; do
      need "$rule, $forgery: man in the middle" "@cat $RUN/middle.out" between middle $RADIUS_FAULTY forge $forgery
      check "$rule, $forgery: no login" "it logged in" not log_in client home 12
      check "$rule, $forgery: there was a forgery" "@cat $RUN/middle.out" grep -q forged "$RUN/middle.out"
      check "$rule, $forgery: nothing left" @what_is_left wait_until 10 nothing_left
      stop middle
    done
    check "$rule: no warning at the start" "@head -n 5 $RUN/gateway.out" not grep -q 'warning: replies without Message-Authenticator' "$RUN/gateway.out"
    stop gateway; rm -f "$RUN/gateway.out"
  done
  # The same attack where the operator asked for it: that the attack works shows that the rules above stopped it.
  RADIUS_KEYS="require-message-authenticator: off"
  need "off: gateway" "it did not start" start_gateway
  check "off: a warning at the start" "@head -n 5 $RUN/gateway.out" wait_until 5 grep -q 'warning: replies without Message-Authenticator.*CVE-2024-3596' "$RUN/gateway.out"
  need "off: man in the middle" "@cat $RUN/middle.out" between middle $RADIUS_FAULTY forge stripped
  check "off: the forgery logs in, as the warning says" "@why client home" log_in client home 12
  stop middle
}

scenario_mfa_push() {
  only_ours "push" "eap-radius sends again" || return
  local load=${LOAD:-$ROOT/tests/Load/bin/Release/net10.0/headend-load.dll} wait=${MFA_SECONDS:-12} began took others=1000
  RADIUS="$RADIUS_FAULTY $RADIUS2" EAP_TIMEOUT=150s RADIUS_KEYS="mfa-wait: 90s" CLIENT_RETRIES=8 RADIUS_TIMEOUT=2s RADIUS_RETRANSMIT=1
  RADIUS_MORE_CLIENTS="client between {
	ipaddr = $RADIUS_FAULTY
	secret = $RADIUS_SECRET
}"
  make_topology; make_pki
  need setup "no setup" eval 'start_radius radius1 $RADIUS1 && start_radius radius2 $RADIUS2 && between push $RADIUS_FAULTY hold alice $wait && start_lan_services && start_gateway'
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice; client_connection second mschapv2 bob)"
  began=$(milliseconds)
  log_in client home 140 &
  local login=$!
  check "the server has the login and asks the person" "@cat $RUN/push.out" wait_until 10 grep -q held "$RUN/push.out"
  if [ -e "$load" ]; then
    ip -n "$CLIENT" address add 198.51.100.20/24 dev eth0
    check "$others other logins meanwhile" "@tail -n 5 $RUN/load.out" eval \
      'in_ns "$CLIENT" dotnet "$load" --target $GATEWAY_V4 --count $others --concurrency 50 --user load --password load-word --ca "$RUN/pki/ca.pem" --delete >"$RUN/load.out" 2>&1'
  else
    skip "$others other logins meanwhile" "the load tool is not built"
    check "another login meanwhile" "@why client second" log_in client second
  fi
  check "meanwhile the client waits" "it is up" not established client home
  check "after $wait s the client is in" "@why client home" wait $login
  took=$(($(milliseconds) - began))
  check "not before the person answered ($took ms)" "it took $took ms" test $took -ge $((wait * 1000))
  check traffic "no answer" pings "$CLIENT" $LAN_V4
  equal "requests of alice that came twice" 0 "$(grep -c '^again alice' "$RUN/push.out")"
  equal "requests of alice after the one that asked the person" 0 "$(sed -n '/^held/,$p' "$RUN/push.out" | grep -c 'request alice')"
  equal "requests at the other server" 0 "$(grep -c 'Login OK\|Login incorrect' "$RUN/radius2/radius.log")"
}
