# AnyConnect-EAP by our scripted client against the published program, with FreeRADIUS behind it.

anyconnect_profile() { # anyconnect_profile NAME PROTOCOL [FURTHER-KEYS]
  cat <<YAML
    - name: $1
      match: { remote-identity: [key-id $1] }
      local-identity: fqdn vpn.example.com
      local-authentication: { certificate: $RUN/pki/gateway-rsa.pem, key: $RUN/pki/gateway-rsa.key }
      remote-authentication: { anyconnect-eap: { password-protocol: $2, groups: [staff, guests], banner: Welcome${3:+, $3} } }
      authentication-list: eap-list
      authorization: { group: { list: local-list, name: staff } }
      accounting-list: acct-list
      proposals: [default]
      virtual-template: 1
YAML
}

# anyconnect NAME ARGUMENT...: one login; its output is $RUN/NAME.out.
anyconnect() {
  local name=$1; shift
  in_ns "$CLIENT" timeout 60 dotnet "$LOAD_TOOL" anyconnect --target $GATEWAY_V4 --ca "$RUN/pki/ca.pem" "$@" >"$RUN/$name.out" 2>&1
}

scenario_anyconnect() {
  only_ours AnyConnect || return
  LOAD_TOOL=${LOAD:-$ROOT/tests/Load/bin/Release/net10.0/headend-load.dll}
  [ -e "$LOAD_TOOL" ] || { skip AnyConnect "the load tool is not built"; return; }
  FURTHER_PROFILES="$(anyconnect_profile pap pap)
$(anyconnect_profile chap chap)
$(anyconnect_profile mschapv2 mschapv2)"
  # FreeRADIUS 3.2.1 protects replies without EAP only when it is told to.
  RADIUS_KEYS="require-message-authenticator: eap"
  # bob is asked for a code behind his password, as an OTP server does.
  RADIUS_AUTHORIZE='if (&User-Name == "bob" && &State) {
			update control {
				&Cleartext-Password := "123456"
			}
		}
		elsif (&User-Name == "bob") {
			update reply {
				&State := 0x02
				&Reply-Message := "Enter the code."
				&Prompt := No-Echo
			}
			update control {
				&Response-Packet-Type := Access-Challenge
			}
			handled
		}'
  need setup "no setup" standard_setup
  check "PAP, a wrong password first, RFC 7383" "@cat $RUN/pap.out" anyconnect pap --identity pap --user alice --answer wrong --answer pass-word --group guests --hold 2
  check "the address is RADIUS's" "@cat $RUN/pap.out" grep -qx 'established 10.99.1.10' "$RUN/pap.out"
  check "the user saw why" "@cat $RUN/pap.out" grep -qx 'error Login failed.' "$RUN/pap.out"
  check "CHAP" "@cat $RUN/chap.out" anyconnect chap --identity chap --user dave --answer dave-word
  check "MS-CHAPv2, payload 132" "@cat $RUN/mschapv2.out" anyconnect mschapv2 --identity mschapv2 --user dave --answer dave-word --payload-132
  check "it came in pieces" "@cat $RUN/mschapv2.out" grep -qE 'pieces [1-9]' "$RUN/mschapv2.out"
  check "a code behind the password" "@cat $RUN/bob.out" anyconnect bob --identity pap --user bob --answer bob-word --answer 123456
  check "three wrong codes" "it logged in" not anyconnect wrong --identity pap --user bob --answer bob-word --answer 111111 --answer bob-word --answer 111111 --answer bob-word --answer 111111
  check "three wrong passwords" "it logged in" not anyconnect dave --identity mschapv2 --user dave --answer a --answer b --answer c
  check "the log says so" "@grep event=login $RUN/gateway.out" grep -qE 'event=login user=dave .*method=AnyConnect-EAP outcome="?(failed|rejected)' "$RUN/gateway.out"
  local pair
  for pair in device-platform=win 'ac-user-agent=AnyConnect Windows 4.10.04065' device-public-mac=00-50-56-aa-bb-cc; do
    check "accounting tells mdm-tlv=$pair" "@tail -n 40 $RUN/radius1/detail" grep -qF "mdm-tlv=$pair" "$RUN/radius1/detail"
  done
  check "the log names what was asked for" "@grep cisco-attributes $RUN/gateway.out" grep -q '28705(0x7021)' "$RUN/gateway.out"
  check "nothing left" @what_is_left wait_until 20 nothing_left
}

# anyconnect_stays NAME ARGUMENT...: as anyconnect, in the background; true once it is in.
anyconnect_stays() {
  local name=$1; shift
  start "$name" "$CLIENT" dotnet "$LOAD_TOOL" anyconnect --target $GATEWAY_V4 --ca "$RUN/pki/ca.pem" --hold 600 "$@"
  wait_until 30 grep -qE '^(established|failed)' "$RUN/$name.out" && grep -q '^established' "$RUN/$name.out"
}

# Reconnect after two factors: the token stands for the session, though the certificate is revoked meanwhile; a login is refused, and a token of a session that was cleared.
anyconnect_comes_back() {
  local pki=$RUN/pki before requests
  local certificate=(--certificate "$pki/laptop-rsa.pem" --key "$pki/laptop-rsa.key")
  anyconnect_stays kept --identity device --user dave --answer dave-word "${certificate[@]}" --save-return "$RUN/return1" || { fail "two factors, to come back" "$(cat "$RUN/kept.out")"; return; }
  before="$(session dave device) $(session dave auditSessionId) $(session dave acctSessionId)" requests=$(grep -c 'User-Name = "dave"' "$RUN/radius1/requests")
  stop kept KILL
  openssl ca -config "$pki/ca.cnf" -cert "$pki/ca.pem" -keyfile "$pki/ca.key" -revoke "$pki/laptop-rsa.pem" >>"$RUN/pki.log" 2>&1 &&
    openssl ca -config "$pki/ca.cnf" -cert "$pki/ca.pem" -keyfile "$pki/ca.key" -gencrl -out "$pki/crl.pem" >>"$RUN/pki.log" 2>&1 || fail "revoked" "$(tail -n 3 "$RUN/pki.log")"
  signal HUP gateway
  check "the list is read again" "no line" wait_until 10 grep -q 'event=reloaded' "$RUN/gateway.out"
  shown later "revoked \\(by crl.pem\\), serial $(openssl x509 -noout -serial -in "$pki/laptop-rsa.pem" | cut -d= -f2) " "${certificate[@]}"
  check "the token brings the session back" "@cat $RUN/back.out" anyconnect_stays back --user nobody --return-from "$RUN/return1" --save-return "$RUN/return2"
  equal "interface, audit-session-id, Acct-Session-Id" "$before" "$(session dave device) $(session dave auditSessionId) $(session dave acctSessionId)"
  equal "known as such" True "$(session dave reconnected)"
  equal "FreeRADIUS was not asked" "$requests" "$(grep -c 'User-Name = "dave"' "$RUN/radius1/requests")"
  stop back KILL
  headend clear crypto session user dave >/dev/null
  check "cleared: refused" "it is back" not anyconnect gone --user nobody --return-from "$RUN/return2"
}

# shown NAME LOG-PATTERN ARGUMENT...: one login that ends before a password is typed.
shown() {
  local name=$1 pattern=$2; shift 2
  check "$name: refused" "it logged in" not anyconnect "$name" --identity device --user dave --answer dave-word "$@"
  check "$name: the user saw why" "@cat $RUN/$name.out" grep -qx 'error Certificate Validation Failure' "$RUN/$name.out"
  logged "$name" "$pattern" 1
}

# Two factors: the device by certificate with a signature over the IKE SA, then the user; FreeRADIUS refuses dave unless it hears of a certificate of his.
scenario_anyconnect_certificate() {
  only_ours AnyConnect || return
  LOAD_TOOL=${LOAD:-$ROOT/tests/Load/bin/Release/net10.0/headend-load.dll}
  [ -e "$LOAD_TOOL" ] || { skip AnyConnect "the load tool is not built"; return; }
  RADIUS_KEYS="require-message-authenticator: eap"
  RADIUS_AUTHORIZE='requests
		if (&User-Name == "dave" && !(&Cisco-AVPair[*] =~ /^cert-name=(laptop-rsa|dave)$/)) {
			update control {
				&Auth-Type := Reject
			}
		}'
  KEYRINGS="  name-manglers: [ { name: person, dn: common-name } ]"
  local pki=$RUN/pki user="basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n"
  FURTHER_PROFILES="$(anyconnect_profile device pap "cert-request: true, certificate: { ca: $pki/ca.pem, crl: [$pki/crl.pem], revocation: strict, name-mangler: person, radius-pair: cert-name }")
      reconnect: { timeout: 10m }
$(anyconnect_profile owner mschapv2 "cert-request: true, certificate: { ca: $pki/ca.pem, name-mangler: person, username: required, radius-pair: cert-name }")"
  need setup "no setup" eval 'make_topology && make_pki && certificate_pki && issue dave rsa "/O=Interop/CN=dave" "$user" >>"$RUN/pki.log" 2>&1 && start_radius radius1 $RADIUS1 && start_lan_services && start_gateway'
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$pki/self.key" -out "$pki/self.pem" -days 2 -subj "/O=Interop/CN=laptop-rsa" >>"$RUN/pki.log" 2>&1
  check "certificate and password, RFC 7383" "@cat $RUN/rsa.out" anyconnect rsa --identity device --user dave --answer wrong --answer dave-word --certificate "$pki/laptop-rsa.pem" --key "$pki/laptop-rsa.key"
  check "certificate and password, payload 132" "@cat $RUN/cisco.out" anyconnect cisco --identity device --user dave --answer dave-word --certificate "$pki/laptop-rsa.pem" --key "$pki/laptop-rsa.key" --payload-132
  check "the log says so" "@grep event=login $RUN/gateway.out" grep -qE 'event=login user=dave .*method=certificate\+AnyConnect-EAP outcome=success' "$RUN/gateway.out"
  check "accounting tells whose certificate" "@tail -n 40 $RUN/radius1/detail" grep -qF 'cert-name=laptop-rsa' "$RUN/radius1/detail"
  check "the owner's name stands in the form" "@cat $RUN/owner.out" anyconnect owner --identity owner --user nobody --prefilled-name --answer dave-word --certificate "$pki/dave.pem" --key "$pki/dave.key"
  check "another user's certificate: refused" "it logged in" not anyconnect other --identity owner --user alice --answer pass-word --answer pass-word --answer pass-word --certificate "$pki/dave.pem" --key "$pki/dave.key"
  logged "another user's certificate" 'the certificate is of dave, not of alice' 1
  shown none 'the client has no certificate'
  shown expired 'expired on 2021-01-01' --certificate "$pki/expired.pem" --key "$pki/expired.key"
  shown revoked 'revoked \(by crl.pem\)' --certificate "$pki/revoked.pem" --key "$pki/revoked.key"
  shown foreign 'foreign CA' --certificate "$pki/self.pem" --key "$pki/self.key"
  shown key 'the signature does not verify' --certificate "$pki/laptop-rsa.pem" --key "$pki/dave.key"
  check "an altered signature: refused" "it logged in" not anyconnect altered --identity device --user dave --answer dave-word --certificate "$pki/laptop-rsa.pem" --key "$pki/laptop-rsa.key" --alter-signature
  logged "an altered signature" 'the signature does not verify' 2
  equal "FreeRADIUS was asked about the logins with a good certificate alone" "4 0" "$(grep -c 'User-Name = "dave"' "$RUN/radius1/requests") $(grep -c 'User-Name = "alice"' "$RUN/radius1/requests")"
  anyconnect_comes_back
  check "nothing left" @what_is_left wait_until 20 nothing_left
}
