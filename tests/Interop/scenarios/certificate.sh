# Clients with certificates, alone and with EAP after it (RFC 4739); a revocation list of a file and OCSP by openssl's responder.

# certificate_pki: leaves of the run's CA: RSA, ECDSA, Ed25519, expired, revoked (in crl.pem), ocsp-good and ocsp-bad (which name the responder).
certificate_pki() {
  local dir=$RUN/pki leaf="basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n" name
  {
    for name in laptop-rsa laptop-ecdsa revoked ocsp-good ocsp-bad; do
      local kind=rsa; [ $name = laptop-ecdsa ] && kind=ecdsa
      local access=""; case $name in ocsp-*) access="authorityInfoAccess=OCSP;URI:http://$GATEWAY_V4:8888\n" ;; esac
      issue "$name" $kind "/O=Interop/CN=$name" "${leaf}subjectAltName=DNS:$name.cert.example\n$access" || return 1
    done
    openssl genpkey -algorithm ed25519 -out "$dir/laptop-ed25519.key" &&
    openssl req -new -key "$dir/laptop-ed25519.key" -subj "/O=Interop/CN=laptop-ed25519" -out "$dir/laptop-ed25519.csr" &&
    openssl x509 -req -in "$dir/laptop-ed25519.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 -extfile <(printf '%b' "${leaf}subjectAltName=DNS:laptop-ed25519.cert.example\n") -out "$dir/laptop-ed25519.pem" &&
    openssl genrsa -out "$dir/expired.key" 2048 && openssl req -new -key "$dir/expired.key" -subj "/O=Interop/CN=expired" -out "$dir/expired.csr" &&
    : >"$dir/index.txt" && echo 01 >"$dir/crlnumber" && printf '[ca]\ndefault_ca = d\n[d]\ndatabase = %s/index.txt\ncrlnumber = %s/crlnumber\nserial = %s/serial\nnew_certs_dir = %s\ndefault_md = sha256\ndefault_crl_days = 2\npolicy = p\ncopy_extensions = copy\n[p]\norganizationName = optional\ncommonName = optional\n' "$dir" "$dir" "$dir" "$dir" >"$dir/ca.cnf" &&
    echo 7000 >"$dir/serial" &&
    openssl ca -batch -config "$dir/ca.cnf" -cert "$dir/ca.pem" -keyfile "$dir/ca.key" -startdate 20200101000000Z -enddate 20210101000000Z -extfile <(printf '%b' "${leaf}subjectAltName=DNS:expired.cert.example\n") -in "$dir/expired.csr" -out "$dir/expired.pem" &&
    for name in ocsp-good ocsp-bad revoked; do openssl ca -config "$dir/ca.cnf" -cert "$dir/ca.pem" -keyfile "$dir/ca.key" -valid "$dir/$name.pem" || return 1; done &&
    openssl ca -config "$dir/ca.cnf" -cert "$dir/ca.pem" -keyfile "$dir/ca.key" -revoke "$dir/revoked.pem" &&
    openssl ca -config "$dir/ca.cnf" -cert "$dir/ca.pem" -keyfile "$dir/ca.key" -gencrl -out "$dir/crl.pem" &&
    openssl ca -config "$dir/ca.cnf" -cert "$dir/ca.pem" -keyfile "$dir/ca.key" -revoke "$dir/ocsp-bad.pem"
  } >>"$RUN/pki.log" 2>&1 || { say "openssl: $(tail -n 3 "$RUN/pki.log")"; return 1; }
}

certificate_profile() { # certificate_profile NAME REMOTE-AUTHENTICATION [LIST]
  cat <<YAML
    - name: $1
      match: { remote-identity: [fqdn-domain $1.example] }
      local-identity: fqdn vpn.example.com
      local-authentication: { certificate: $RUN/pki/gateway-rsa.pem, key: $RUN/pki/gateway-rsa.key }
      remote-authentication: { $2 }
${3:+      authentication-list: $3}
      authorization: { group: { list: local-list, name: staff } }
      accounting-list: acct-list
      traffic: { local: [10.10.0.0/24] }
      virtual-template: 1
YAML
}

# certificate_setup POLICY: `cert` takes certificates alone by this policy, `both` wants EAP after them.
certificate_setup() {
  FURTHER_PROFILES="$(certificate_profile cert "certificate: { ca: $RUN/pki/ca.pem, $1 }")
$(certificate_profile both "certificate: { ca: $RUN/pki/ca.pem, then-eap: required }, eap: {}" eap-list)"
  make_topology && make_pki && certificate_pki && start_radius radius1 $RADIUS1 && start_lan_services && start_gateway
}

# certificate_connection NAME CERTIFICATE [IDENTITY] [second]: as client_connection, by certificate; `second` adds EAP as alice.
certificate_connection() {
  local text
  text=$(client_connection "$1" mschapv2 "${3:-$2.cert.example}" | sed -e "s/auth = eap-mschapv2/auth = pubkey/" -e '/eap_id = /d' -e "s|aaa_id = .*|certs = $RUN/pki/$2.pem|")
  [ -z "${4:-}" ] || text=$(printf '%s' "$text" | sed -e "s/    local {/    local-1 {/" -e "0,/    remote {/s//    local-2 {\n      auth = eap-mschapv2\n      id = alice\n      eap_id = alice\n    }\n    remote {/")
  printf '%s\n' "$text"
}

scenario_certificate() {
  only_ours "client certificates" || return
  need setup "no setup" certificate_setup "revocation: off"
  CLIENT_KEYS="laptop-rsa laptop-ecdsa laptop-ed25519" start_client client "$CLIENT" "$(certificate_connection rsa laptop-rsa; certificate_connection ecdsa laptop-ecdsa; certificate_connection ed25519 laptop-ed25519)" || { fail client "did not start"; return; }
  local kind
  for kind in rsa ecdsa ed25519; do
    logs_in client $kind "login by certificate, $kind"
    tunnel_works "$kind" client "laptop-$kind.cert.example" $kind 10.99.
    check "$kind: ping" "no answer" pings "$CLIENT" $LAN_V4
    equal "$kind: show" "certificate cert" "$(session "laptop-$kind.cert.example" authentication) $(session "laptop-$kind.cert.example" profile)"
    log_out client $kind
  done
  check "the log says so" "@grep event=login $RUN/gateway.out" wait_until 5 grep -qE 'event=login user=laptop-rsa.cert.example .*method=certificate outcome=success' "$RUN/gateway.out"
  check "accounting: Stop" "no record" wait_until 10 has_record Stop User-Name=laptop-rsa.cert.example
}

scenario_certificate_refused() {
  only_ours "client certificates" || return
  need setup "no setup" certificate_setup "crl: [$RUN/pki/crl.pem], revocation: strict"
  CLIENT_KEYS="expired revoked laptop-rsa" start_client client "$CLIENT" "$(certificate_connection home expired; certificate_connection listed revoked; certificate_connection good laptop-rsa)" || { fail client "did not start"; return; }
  refused expired 'identity=expired.cert.example .*expired on 2021-01-01'
  check "revoked by list: refused" "it logged in" not log_in client listed
  logged "revoked by list" 'identity=revoked.cert.example .*revoked \(by crl.pem\)' 1
  logs_in client good "login by a certificate that is not on the list"
  log_out client good
}

scenario_certificate_ocsp() {
  only_ours "client certificates" || return
  need setup "no setup" certificate_setup "fetch-hosts: ['$GATEWAY_V4:8888'], revocation: strict"
  start ocsp "$GATEWAY_NS" openssl ocsp -index "$RUN/pki/index.txt" -port 8888 -rsigner "$RUN/pki/ca.pem" -rkey "$RUN/pki/ca.key" -CA "$RUN/pki/ca.pem" -ndays 1
  CLIENT_KEYS="ocsp-good ocsp-bad laptop-rsa" start_client client "$CLIENT" "$(certificate_connection good ocsp-good; certificate_connection home ocsp-bad; certificate_connection unknown laptop-rsa)" || { fail client "did not start"; return; }
  logs_in client good "login by a certificate that OCSP calls good"
  log_out client good
  check "revoked by OCSP: refused" "it logged in" not log_in client home
  logged "revoked by OCSP" 'identity=ocsp-bad.cert.example .*revoked \(by OCSP\)' 1
  check "no source: refused" "it logged in" not log_in client unknown
  logged "no source" 'identity=laptop-rsa.cert.example .*unknown: there is no list of its issuer' 1
  check "openssl answered" "@tail -n 3 $RUN/ocsp.out" running ocsp
}

# The device by certificate, the user by EAP through FreeRADIUS; each alone is refused.
scenario_certificate_eap() {
  only_ours "client certificates" || return
  need setup "no setup" certificate_setup "revocation: off"
  issue laptop-both rsa "/O=Interop/CN=laptop-both" "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nsubjectAltName=DNS:laptop.both.example\n" >>"$RUN/pki.log" 2>&1
  CLIENT_KEYS=laptop-both start_client client "$CLIENT" "$(certificate_connection home laptop-both laptop.both.example second; certificate_connection alone laptop-both laptop.both.example)" || { fail client "did not start"; return; }
  logs_in client home "login by certificate, then EAP"
  tunnel_works both client alice home 10.99.
  check "ping" "no answer" pings "$CLIENT" $LAN_V4
  equal "show" "certificate+EAP-MSCHAPv2 both" "$(session alice authentication) $(session alice profile)"
  log_out client home
  check "the certificate alone: refused" "it logged in" not log_in client alone
  logged "the certificate alone" 'identity=laptop.both.example .*wants EAP after it' 1
}
