# Keys and policies of AAA: pre-shared keys in FreeRADIUS, groups and users by mangled names, override, refusals.

ROUTER_KEY="the key that FreeRADIUS has of router one"

authorization_accounts() {
  cat >>"$1/authorize" <<'ACCOUNTS'
router1 Cleartext-Password := "cisco"
corp.example Cleartext-Password := "cisco"
over.example Cleartext-Password := "sesame"
ann Cleartext-Password := "cisco"
ann@corp.example Cleartext-Password := "ann-word"
ann@over.example Cleartext-Password := "ann-word"
ann@none.example Cleartext-Password := "ann-word"
ACCOUNTS
  cat >>"$1/reply" <<REPLIES

router1
	Tunnel-Password := "$ROUTER_KEY",
	Framed-Pool := "p4",
	Cisco-AVPair += "ipsec:route-set=interface",
	Cisco-AVPair += "ipsec:route-accept=any",
	Cisco-AVPair += "ipsec:route-set=prefix 192.168.1.1/24"

corp.example
	Framed-Pool := "p4",
	Cisco-AVPair += "ip:interface-config=ip mtu 1350",
	Cisco-AVPair += "ipsec:default-domain=corp.example"

over.example
	Framed-Pool := "p4",
	Cisco-AVPair += "ip:interface-config=ip mtu 1350"

ann
	Cisco-AVPair += "ip:interface-config=ip mtu 1290"

ann@corp.example
	Class := 0x616e6e,
	Cisco-AVPair += "ip:interface-config=ip mtu 1300"
REPLIES
}

authorized_profile() { # authorized_profile NAME DOMAIN OVERRIDE PASSWORD
  cat <<YAML
    - name: $1
      match: { remote-identity: [email-domain $2] }
      local-identity: fqdn vpn.example.com
      local-authentication: { certificate: $RUN/pki/gateway-rsa.pem, key: $RUN/pki/gateway-rsa.key }
      remote-authentication: { eap: {} }
      authentication-list: eap-list
      authorization:
        user: { cached: true, list: author-list, name-mangler: name_mangler1 }
        group: { list: author-list, name-mangler: name_mangler2, override: $3, password: $4 }
      accounting-list: acct-list
      traffic: { local: [10.10.0.0/24] }
      virtual-template: 1
YAML
}

authorization_setup() {
  MORE_ACCOUNTS=authorization_accounts
  KEYRINGS="  name-manglers: [ { name: name_mangler1, fqdn: hostname, eap: username }, { name: name_mangler2, fqdn: domain, eap: suffix @ } ]"
  FURTHER_PROFILES="    - name: routers
      match: { remote-identity: [fqdn-domain domain1] }
      local-identity: fqdn vpn.example.com
      local-authentication: { pre-share: true }
      remote-authentication: { pre-share: true }
      keyring: { list: author-list, name-mangler: name_mangler1 }
      authorization: { psk: { user: { cached: true } } }
      accounting-lists: { psk: acct-list }
      traffic: { local: [10.10.0.0/24] }
      virtual-template: 1
$(authorized_profile plain corp.example false cisco)
$(authorized_profile over over.example true sesame)
$(authorized_profile none none.example false cisco)"
  CLIENT_SECRETS="$(for router in router1 router7; do psk_secret $router.domain1 "${CLIENT_KEY:-$ROUTER_KEY}"; done)
$(for realm in corp over none; do echo "  eap-$realm { id = ann@$realm.example"; echo "    secret = \"ann-word\" }"; done)"
  standard_setup
}

mtu_of() { ip -n "$GATEWAY_NS" -o link show "$(session "$1" device)" | grep -o 'mtu [0-9]*'; }
radius_accepted() { grep -q "Login OK: \[$1\]" "$RUN/radius1/radius.log"; }
user_shows() { headend show aaa user "$1" >"$RUN/user.out" 2>&1; grep -qE "$2" "$RUN/user.out"; }

# The chapter's example of keys in RADIUS: keyring aaa with a name mangler, `aaa authorization user psk cached`.
scenario_authorization_psk() {
  only_ours "pre-shared keys of AAA" || return
  need setup "no setup" authorization_setup
  start_client client "$CLIENT" "$(psk_connection home router1.domain1 vpn.example.com)" || { fail client "did not start"; return; }
  logs_in client home "login by a key that RADIUS has"
  tunnel_works "implicit authorization: Framed-Pool" client router1.domain1 home 10.99.
  check ping "no answer from the LAN host: $(tail -n 2 "$RUN/ping.out" 2>/dev/null)" pings "$CLIENT" $LAN_V4
  check "RADIUS was asked for the mangled name" "@tail -n 3 $RUN/radius1/radius.log" radius_accepted router1
  equal "the key's place is shown" "aaa list author-list, radius1 router1" "$(session router1.domain1 keyringEntry)"
  check "show aaa user: the prefix and its origin" "@cat $RUN/user.out" user_shows router1.domain1 'prefix 192.168.1.0/24 +implicit-user router1 \(pre-shared-key, radius1, list author-list\)'
  check "the key is shown nowhere" "it is" not grep -q "$ROUTER_KEY" "$RUN/user.out" "$RUN/gateway.out"
  log_out client home
  check "accounting: Stop under the IKE identity" "no record" wait_until 10 has_record Stop User-Name=router1.domain1
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
}

scenario_authorization_psk_refused() {
  only_ours "pre-shared keys of AAA" || return
  CLIENT_KEY="not the key that FreeRADIUS has"
  need setup "no setup" authorization_setup
  start_client client "$CLIENT" "$(psk_connection home router1.domain1 vpn.example.com)"
  refused "wrong key" 'identity=router1.domain1 .*its AUTH does not match its pre-shared key'
  stop client
  start_client client "$CLIENT" "$(psk_connection home router7.domain1 vpn.example.com)"
  refused "no such router" 'identity=router7.domain1 .*RADIUS server radius1 refused router7'
}

scenario_authorization_group_user() {
  only_ours "authorization of groups and users" || return
  need setup "no setup" authorization_setup
  start_client client "$CLIENT" "$(client_connection plain mschapv2 ann@corp.example
    client_connection over mschapv2 ann@over.example)"
  logs_in client plain "login with group and user authorization"
  tunnel_works "the group's pool" client ann@corp.example plain 10.99.
  equal "the user above the group" "mtu 1290" "$(mtu_of ann@corp.example)"
  equal "the group is the mangled domain" corp.example "$(session ann@corp.example groups)"
  check "show aaa user: group" "@cat $RUN/user.out" user_shows ann@corp.example 'ip mtu 1350 +group corp.example \(group-authorization, radius1, list author-list\)'
  check "show aaa user: implicit" "@cat $RUN/user.out" user_shows ann@corp.example 'ip mtu 1300 +implicit-user ann@corp.example \(authentication, radius1, list eap-list\)'
  check "show aaa user: user" "@cat $RUN/user.out" user_shows ann@corp.example 'ip mtu 1290 +user ann \(user-authorization, radius1, list author-list\)'
  log_out client plain
  check "accounting: Stop" "no record" wait_until 10 has_record Stop User-Name=ann@corp.example
  equal "accounting: Class of the authentication" 0x616e6e "$(record Stop Class User-Name=ann@corp.example)"
  logs_in client over "login with override"
  equal "the group above the user" "mtu 1350" "$(mtu_of ann@over.example)"
  log_out client over
  check "nothing left after logout" @what_is_left wait_until 10 nothing_left
}

scenario_authorization_refused() {
  only_ours "authorization of groups and users" || return
  need setup "no setup" authorization_setup
  start_client client "$CLIENT" "$(client_connection home mschapv2 ann@none.example)"
  refused "a group that RADIUS refuses" 'user=ann@none.example .*group authorization: RADIUS server radius1 refused none.example'
  check "who is not there is no user" "it is" not headend show aaa user ann@none.example
}
