# AnyConnect-EAP by our scripted client against the published program, with FreeRADIUS behind it.

anyconnect_profile() { # anyconnect_profile NAME PROTOCOL [FURTHER-KEYS [AUTHENTICATION-LIST [GROUP]]]
  cat <<YAML
    - name: $1
      match: { remote-identity: [key-id $1] }
      local-identity: fqdn vpn.example.com
      local-authentication: { certificate: $RUN/pki/gateway-rsa.pem, key: $RUN/pki/gateway-rsa.key }
      remote-authentication: { anyconnect-eap: { password-protocol: $2, groups: [staff, guests], banner: Welcome${3:+, $3} } }
      authentication-list: ${4:-eap-list}
      authorization: { group: { list: local-list, ${5:-name: staff} } }
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

# asked USER ATTRIBUTE=VALUE: how many Access-Requests of the user had it.
asked() { awk -v RS= -v user="User-Name = \"$1\"" -v attribute="${2%%=*} = \"${2#*=}\"" 'index($0, user) && index($0, attribute)' ORS='\n\n' "$RUN/radius1/requests" | grep -c "^	User-Name"; }

# The group that the user chose is told to RADIUS, which may refuse it, and names the session's policy.
anyconnect_groups() {
  equal "RADIUS hears which group was chosen, with every request" 2 "$(asked alice ASA-TunnelGroupName=guests)"
  equal "and of the first one where nobody chose" "1 0" "$(asked dave ASA-TunnelGroupName=staff) $(asked dave ASA-TunnelGroupName=guests)"
  anyconnect load --identity pap --user load --answer load-word --answer load-word --answer load-word --group guests &
  local refused=$!
  check "a group of the user's" "@cat $RUN/guest.out" anyconnect_stays guest --identity pap --user dave --answer dave-word --group guests
  equal "its policy" guests "$(session dave groups)"
  check "the address is its pool's" "@cat $RUN/guest.out" grep -q '^established 10\.99\.200\.' "$RUN/guest.out"
  stop guest KILL
  headend clear crypto session user dave >/dev/null
  check "a group that RADIUS refuses the user" "it logged in" not wait $refused
  equal "it was asked" 3 "$(asked load ASA-TunnelGroupName=guests)"
}

# eve's password has expired: FreeRADIUS says so (MS-CHAP-Error 648), takes the new one by MS-CHAP2-CPW and hands it to what keeps its passwords.
anyconnect_password() {
  check "an expired password, and a new one" "@cat $RUN/eve.out" anyconnect eve --identity mschapv2 --user eve --answer eve-old --answer eve-new
  equal "FreeRADIUS has it" eve-new "$(cat "$RUN/eve.word")"
  equal "it came in one MS-CHAP2-CPW" 1 "$(grep -c 'MS-CHAP2-CPW = 0x07' "$RUN/radius1/requests")"
  check "the new one alone is good" "@cat $RUN/again.out" anyconnect again --identity mschapv2 --user eve --answer eve-old --answer eve-new
  check "not the old one" "@cat $RUN/again.out" grep -qx 'error Login failed.' "$RUN/again.out"
  check "the log has no passwords" "@grep eve- $RUN/gateway.out" not grep -qE 'eve-(old|new)' "$RUN/gateway.out"
}

# lola is a local user of whom only a hash is known; accounting goes to FreeRADIUS all the same.
anyconnect_local() {
  anyconnect guess --identity local --user lola --answer a --answer b --answer c &
  local guess=$!
  check "a local user, a wrong password first" "@cat $RUN/lola.out" anyconnect lola --identity local --user lola --answer wrong --answer lola-word
  check "the local user saw why" "@cat $RUN/lola.out" grep -qx 'error Login failed.' "$RUN/lola.out"
  check "three wrong passwords of a local user" "it logged in" not wait $guess
  check "that was why" "@cat $RUN/guess.out" grep -qx 'error Login failed.' "$RUN/guess.out"
  equal "FreeRADIUS was not asked" 0 "$(grep -c 'User-Name = "lola"' "$RUN/radius1/requests")"
  check "accounting: Stop" "@grep lola $RUN/gateway.out" wait_until 10 has_record Stop User-Name=lola
  equal "accounting: authenticated by the headend" Local "$(record Stop Acct-Authentic User-Name=lola)"
}

# Passwords that expire, behind FreeRADIUS's ntlm_auth: its own change (local_cpw) ends Debian's 3.2.1 by SIGSEGV in OpenSSL 3's RC4.
passwords_that_expire() {
  local ntlm="/usr/bin/python3 -IS $HERE/tools/ntlm.py $RUN"
  printf 'eve-old' >"$RUN/eve.word"
  RADIUS_MODULES="mschap ntlm {
		ntlm_auth = \"$ntlm auth %{mschap:User-Name} %{mschap:Challenge} %{mschap:NT-Response}\"
		passchange {
			ntlm_auth = \"$ntlm change\"
			ntlm_auth_username = \"username: %{mschap:User-Name}\"
		}
	}"
  RADIUS_AUTHENTICATE="Auth-Type NTLM {
			ntlm
		}"
  RADIUS_AUTHORIZE="if (&User-Name == \"eve\") {
			update control {
				&Cleartext-Password := \`/bin/cat $RUN/eve.word\`
			}
			if (&MS-CHAP2-CPW) {
				update control {
					&Auth-Type := NTLM
				}
			}
			elsif (&control:Cleartext-Password == \"eve-old\") {
				update control {
					&SMB-Account-Ctrl-Text := \"[Ue]\"
				}
			}
		}"
}

scenario_anyconnect() {
  only_ours AnyConnect || return
  LOAD_TOOL=${LOAD:-$ROOT/tests/Load/bin/Release/net10.0/headend-load.dll}
  [ -e "$LOAD_TOOL" ] || { skip AnyConnect "the load tool is not built"; return; }
  FURTHER_PROFILES="$(anyconnect_profile pap pap "" "" "chosen: true")
$(anyconnect_profile chap chap)
$(anyconnect_profile mschapv2 mschapv2)
$(anyconnect_profile local mschapv2 "" users)"
  MORE_AUTHENTICATION="{ name: users, methods: [local] }"
  MORE_POLICIES="    - { name: guests, pool: guests }"
  POOLS='{ name: p4, range: 10.99.0.0/17 }, { name: guests, range: 10.99.200.0/24 }'
  LOCAL_AAA="  local-users: [ { name: lola, password-hash: '$(printf 'lola-word\n' | "$HEADEND" user hash | sed -n 's/^password-hash: //p')' } ]"
  # FreeRADIUS 3.2.1 protects replies without EAP only when it is told to.
  RADIUS_KEYS="require-message-authenticator: eap"
  passwords_that_expire
  # bob is asked for a code behind his password, as an OTP server does.
  RADIUS_AUTHORIZE="requests
		$RADIUS_AUTHORIZE"'
		if (&User-Name == "load" && &ASA-TunnelGroupName == "guests") {
			update control {
				&Auth-Type := Reject
			}
		}
		if (&User-Name == "bob" && &State) {
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
  anyconnect_groups
  check "MS-CHAPv2, payload 132" "@cat $RUN/mschapv2.out" anyconnect mschapv2 --identity mschapv2 --user dave --answer dave-word --payload-132
  check "it came in pieces" "@cat $RUN/mschapv2.out" grep -qE 'pieces [1-9]' "$RUN/mschapv2.out"
  check "a code behind the password" "@cat $RUN/bob.out" anyconnect bob --identity pap --user bob --answer bob-word --answer 123456
  check "three wrong codes" "it logged in" not anyconnect wrong --identity pap --user bob --answer bob-word --answer 111111 --answer bob-word --answer 111111 --answer bob-word --answer 111111
  check "three wrong passwords" "it logged in" not anyconnect dave --identity mschapv2 --user dave --answer a --answer b --answer c
  check "the log says so" "@grep event=login $RUN/gateway.out" wait_until 5 grep -qE 'event=login user=dave .*method=AnyConnect-EAP outcome="?(failed|rejected)' "$RUN/gateway.out"
  anyconnect_password
  anyconnect_local
  local pair
  for pair in device-platform=win 'ac-user-agent=AnyConnect Windows 4.10.04065' device-public-mac=00-50-56-aa-bb-cc; do
    check "accounting tells mdm-tlv=$pair" "@tail -n 40 $RUN/radius1/detail" grep -qF "mdm-tlv=$pair" "$RUN/radius1/detail"
  done
  check "the log names what was asked for" "@grep cisco-attributes $RUN/gateway.out" wait_until 5 grep -q '28705(0x7021)' "$RUN/gateway.out"
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
  check "the log says so" "@grep event=login $RUN/gateway.out" wait_until 5 grep -qE 'event=login user=dave .*method=certificate\+AnyConnect-EAP outcome=success' "$RUN/gateway.out"
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
