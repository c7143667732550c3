# AnyConnect-EAP by our scripted client against the published program, with FreeRADIUS behind it.

anyconnect_profile() { # anyconnect_profile NAME PROTOCOL
  cat <<YAML
    - name: $1
      match: { remote-identity: [key-id $1] }
      local-identity: fqdn vpn.example.com
      local-authentication: { certificate: $RUN/pki/gateway-rsa.pem, key: $RUN/pki/gateway-rsa.key }
      remote-authentication: { anyconnect-eap: { password-protocol: $2, groups: [staff, guests], banner: Welcome } }
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
