# Local AAA: our own EAP server and users, no RADIUS at all.

LOCAL_SERVER="O=Interop, CN=vpn.example.com"

# local_setup: gateway, LAN and PKI. alice has a clear password and an attribute list, bob a PBKDF2 hash, dave an NT hash, carol a certificate.
local_setup() {
  AUTHENTICATION=local ACCOUNTING=no
  local hashes others=""
  hashes=$(printf 'bob-word\n' | "$HEADEND" user hash) || return 1
  # A user whom no offered method serves is an error of the configuration.
  case ${EAP_OPTIONS:-} in *gtc*) others="    - { name: bob, password-hash: '$(sed -n 's/^password-hash: //p' <<<"$hashes")' }" ;; esac
  case ${EAP_OPTIONS:-} in *tls*) others="    - { name: carol@example.com, attribute-list: carol }" ;; esac
  LOCAL_AAA="  local-users:
    - { name: alice, password: pass-word, policy: staff, attribute-list: alice }
    - { name: dave, nt-hash: $(printf 'dave-word\n' | "$HEADEND" user hash | sed -n 's/^nt-hash: //p') }
$others
  attribute-lists:
    - { name: alice, attributes: [Framed-IP-Address=10.99.1.10, MS-Primary-DNS-Server=10.10.0.53, \"ipsec:route-set=prefix 10.10.0.0/24\"] }
    - { name: carol, attributes: [Framed-IP-Address=10.99.1.11] }
  lockout: { failures: ${LOCKOUT_FAILURES:-10}, duration: 10m }"
  make_topology && make_pki && make_users_pki && start_lan_services && start_gateway
}

# Users whose certificates must not get in, and a list of revoked ones.
make_users_pki() {
  local dir=$RUN/pki user="basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n" serial
  {
    issue revoked rsa "/O=Interop/CN=revoked" "${user}subjectAltName=email:revoked@example.com\n" &&
    issue expired rsa "/O=Interop/CN=expired" "${user}subjectAltName=email:expired@example.com\n" &&
    openssl x509 -req -in "$dir/expired.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days -1 -sha256 \
      -extfile <(printf '%b' "${user}subjectAltName=email:expired@example.com\n") -out "$dir/expired.pem" &&
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/other-ca.key" -out "$dir/other-ca.pem" -days 3 -sha256 -subj "/O=Elsewhere/CN=Other CA" &&
    issue foreign rsa "/O=Elsewhere/CN=foreign" "${user}subjectAltName=email:foreign@example.com\n" &&
    openssl x509 -req -in "$dir/foreign.csr" -CA "$dir/other-ca.pem" -CAkey "$dir/other-ca.key" -CAcreateserial -days 2 -sha256 \
      -extfile <(printf '%b' "${user}subjectAltName=email:foreign@example.com\n") -out "$dir/foreign.pem" &&
    serial=$(openssl x509 -in "$dir/revoked.pem" -noout -serial) &&
    printf 'R\t%s\t%s\t%s\tunknown\t/O=Interop/CN=revoked\n' "$(date -u -d +1day +%y%m%d%H%M%SZ)" "$(date -u -d -1hour +%y%m%d%H%M%SZ)" "${serial#serial=}" >"$dir/index.txt" &&
    echo 01 >"$dir/crlnumber" &&
    openssl ca -gencrl -config <(printf '[ca]\ndefault_ca=x\n[x]\ndatabase=%s\ncrlnumber=%s\ndefault_md=sha256\n' "$dir/index.txt" "$dir/crlnumber") \
      -cert "$dir/ca.pem" -keyfile "$dir/ca.key" -crldays 2 -out "$dir/ca.crl"
  } >>"$RUN/pki.log" 2>&1 || { say "openssl: $(tail -n 3 "$RUN/pki.log")"; return 1; }
}

LOCAL_TLS() { echo "methods: [tls, mschapv2], tls: { ca: $RUN/pki/ca.pem, crl: [$RUN/pki/ca.crl] }"; }

# local_login METHOD USER ADDRESS-PATTERN: one login, traffic, logout.
local_login() {
  start_client client "$CLIENT" "$(client_connection home "$1" "$2" "aaa_id=$LOCAL_SERVER")" || { fail client "did not start"; exit 0; }
  logs_in client home "login with local EAP-${1^^}"
  tunnel_works "local EAP-${1^^}" client "$2" home "$3"
  check ping "no answer from the LAN host: $(tail -n 2 "$RUN/ping.out" 2>/dev/null)" pings "$CLIENT" $LAN_V4
  equal "session user" "$2" "$(session "$2" user)"
  log_out client home
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
}

scenario_local_eap_mschapv2() {
  only_ours "local EAP" || return
  need setup "no setup" local_setup
  local_login mschapv2 alice 10.99.1.10
  stop client
  local_login mschapv2 dave 10.99.0.
}

# The client refuses the method offered first, so that each is also chosen by Nak.
scenario_local_eap_gtc() {
  only_ours "local EAP" || return
  WITHOUT_KEY=yes EAP_OPTIONS="methods: [mschapv2, gtc]"
  need setup "no setup" local_setup
  local_login gtc bob 10.99.0.
}

scenario_local_eap_md5() {
  only_ours "local EAP" || return
  WITHOUT_KEY=yes EAP_OPTIONS="methods: [mschapv2, md5, gtc]"
  need setup "no setup" local_setup
  local_login md5 alice 10.99.1.10
}

scenario_local_eap_tls() {
  only_ours "local EAP" || return
  EAP_OPTIONS=$(LOCAL_TLS)
  need setup "no setup" local_setup
  local_login tls carol@example.com 10.99.1.11
}

# tls_refused KIND ALERT: the certificate KIND is refused, and the client got the TLS alert.
tls_refused() {
  rm -f "$RUN/client/charon.log"
  CLIENT_KEYS="expired revoked foreign" start_client client "$CLIENT" "$(client_connection home tls "$1@example.com" "cert=$1" "aaa_id=$LOCAL_SERVER")" || { fail client "did not start"; return; }
  check "$1: the client is refused" "it logged in" not log_in client home
  check "$1: the client got an alert" "@grep -i alert $RUN/client/charon.log" grep -qiE "received fatal TLS alert '$2'" "$RUN/client/charon.log"
  stop client
}

# Certificates that must not get in; then three wrong passwords close the door, also to the right one; the client cannot tell; an operator opens it; a reload
# brings a new user. A client that is refused goes away without a word, so that everybody's end is waited for once.
scenario_local_eap_refusals() {
  only_ours "local EAP" || return
  EAP_OPTIONS=$(LOCAL_TLS) EAP_TIMEOUT=45s LOCKOUT_FAILURES=3
  need setup "no setup" local_setup
  tls_refused expired 'certificate expired'
  tls_refused foreign 'unknown ca'
  tls_refused revoked 'certificate revoked'
  ALICE_PASSWORD=not-her-word start_client guesser "$CLIENT" "$(client_connection home mschapv2 alice)"
  for attempt in 1 2 3; do
    check "guess $attempt is refused" "it logged in" not log_in guesser home
  done
  stop guesser
  check "the lockout is logged" "it is not" wait_until 5 grep -qE 'lockout.*user alice' "$RUN/gateway.out"
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice)"
  check "the right password is refused now" "it logged in" not log_in client home
  check "nothing left" @what_is_left wait_until 60 nothing_left
  local line
  for line in 'CN=expired.*expired on ' 'CN=foreign.*foreign CA, no configured authority is above CN=Other CA' 'CN=revoked.*revoked, serial '; do
    equal "one log line that says why (/$line/)" 1 "$(login_lines "$line")"
  done
  check "and why a locked out user was refused" "it does not" wait_until 5 grep -qE 'user=alice .*alice is locked out for ' "$RUN/gateway.out"
  check "show tells it" "@headend show aaa lockout" eval 'headend show aaa lockout | grep -qE "alice +0 +for 00:0"'
  check "an operator clears it" "refused" headend clear aaa user alice lockout
  logs_in client home "login after that"

  printf 'nobody-word\n' | "$HEADEND" user add nobody --policy staff --state "$RUN/state" >"$RUN/user.out" 2>&1
  signal HUP gateway
  check "SIGHUP takes the user file" "no line" wait_until 10 grep -q 'event=reloaded\|reloaded.*localUsers=' "$RUN/gateway.out"
  stop client
  start_client second "$CLIENT" "$(client_connection home mschapv2 nobody)"
  logs_in second home "login of a user that was added meanwhile"
}
