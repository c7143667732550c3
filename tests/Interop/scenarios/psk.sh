# Pre-shared keys, and which of several profiles meets whom.

BRANCH_KEY="the key of branch number one"

# psk_setup: three profiles before the one for everybody, which stays with EAP.
psk_setup() {
  KEYRINGS="  keyrings:
    - name: branches
      peers:
        - { identity: any, secret: the key of branches that are yet to come }
        - { name: one, identity: fqdn one.branch.example, secret: $BRANCH_KEY }
    - name: certified
      peers:
        - { identity: email al@example.com, remote-secret: the key that al has and we have not }
        - { identity: address 198.51.100.0/24, secret: 0x6865782064696769747320617265206f63746574730a }"
  FURTHER_PROFILES="$(psk_profile certified "{ remote-identity: [email-domain example.com, address 198.51.100.0/24], local-identity: [fqdn vpn.example.com] }" \
    "fqdn vpn.example.com" "{ certificate: $RUN/pki/gateway-rsa.pem, key: $RUN/pki/gateway-rsa.key }" certified)
$(psk_profile branches "{ remote-identity: [fqdn-domain branch.example] }" "fqdn hub.example.com" "{ pre-share: true }" branches)"
  standard_setup
}

psk_profile() { # psk_profile NAME MATCH LOCAL-IDENTITY LOCAL-AUTHENTICATION KEYRING
  cat <<YAML
    - name: $1
      match: $2
      local-identity: $3
      local-authentication: $4
      remote-authentication: { pre-share: true }
      keyring: { local: $5 }
      authorization: { group: { list: local-list, name: staff } }
      accounting-list: acct-list
      traffic: { local: [10.10.0.0/24] }
      virtual-template: 1
YAML
}

# psk_connection NAME IDENTITY GATEWAY-IDENTITY [psk|pubkey]: as client_connection, with a key of ours.
psk_connection() {
  client_connection "$1" mschapv2 "$2" | sed -e "s/auth = eap-mschapv2/auth = psk/" -e '/eap_id = /d' -e '/aaa_id = /d' -e "s/id = vpn.example.com/id = $3/" \
    -e "s/auth = pubkey/auth = ${4:-psk}/" $([ "${4:-psk}" = psk ] && echo "-e /cacerts/d")
}

psk_secret() { # psk_secret IDENTITY SECRET...: lines for CLIENT_SECRETS
  echo "  ike-$RANDOM { id = $1"
  echo "    secret = \"$2\" }"
}

# psk_login IDENTITY PROFILE MATCH LOCAL-METHOD: the login of a started client, what show tells, and its end.
psk_login() {
  logs_in client home "login of $1 by pre-shared key"
  tunnel_works "$1" client "$1" home 10.99.0.
  check "$1: ping" "no answer from the LAN host: $(tail -n 2 "$RUN/ping.out" 2>/dev/null)" pings "$CLIENT" $LAN_V4
  equal "$1: profile" "$2" "$(session "$1" profile)"
  equal "$1: why" "$3" "$(session "$1" profileMatch)"
  equal "$1: methods" "PSK $4" "$(session "$1" authentication) $(session "$1" localAuthentication)"
  check "$1: the log says so" "@grep event=login $RUN/gateway.out" wait_until 5 grep -qE "event=login user=$1 .*profile=$2 method=PSK outcome=success .*match=\"$3\" localMethod=$4 " "$RUN/gateway.out"
  log_out client home
  check "$1: nothing left after logout" @what_is_left wait_until 10 nothing_left
}

scenario_psk() {
  only_ours "keyrings" || return
  need setup "no setup" psk_setup
  CLIENT_SECRETS=$(psk_secret one.branch.example "$BRANCH_KEY")
  start_client client "$CLIENT" "$(psk_connection home one.branch.example hub.example.com)" || { fail client "did not start"; return; }
  psk_login one.branch.example branches "remote-identity fqdn-domain branch.example" PSK
  check "the log names the peer" "@grep event=login $RUN/gateway.out" wait_until 5 grep -q 'key="keyring branches, peer one"' "$RUN/gateway.out"
  check "accounting: Stop" "no record" wait_until 10 has_record Stop User-Name=one.branch.example
  equal "accounting: authenticated here" Local "$(record Stop Acct-Authentic)"
  check "no key is in the log" "it is" not grep -q "$BRANCH_KEY" "$RUN/gateway.out"
}

# Our certificate, their key; and a key in hexadecimal digits.
scenario_psk_asymmetric() {
  only_ours "keyrings" || return
  need setup "no setup" psk_setup
  CLIENT_SECRETS="$(psk_secret al@example.com "the key that al has and we have not")
$(psk_secret 198.51.100.10 "0x6865782064696769747320617265206f63746574730a" | sed 's/"//g')"
  start_client client "$CLIENT" "$(psk_connection home al@example.com vpn.example.com pubkey)" || { fail client "did not start"; return; }
  psk_login al@example.com certified "remote-identity email-domain example.com, local-identity fqdn vpn.example.com" RSA
  stop client
  start_client client "$CLIENT" "$(psk_connection home 198.51.100.10 vpn.example.com pubkey)" || { fail client "did not start"; return; }
  psk_login 198.51.100.10 certified "remote-identity address 198.51.100.0/24, local-identity fqdn vpn.example.com" RSA
}

scenario_psk_refused() {
  only_ours "keyrings" || return
  need setup "no setup" psk_setup
  CLIENT_SECRETS=$(psk_secret one.branch.example "not the key of branch number one")
  start_client client "$CLIENT" "$(psk_connection home one.branch.example hub.example.com)"
  refused "wrong key" 'identity=one.branch.example .*key="keyring branches, peer one" .*its AUTH does not match its pre-shared key'
  stop client
  CLIENT_SECRETS=$(psk_secret eve@example.com "the key that al has and we have not")
  start_client client "$CLIENT" "$(psk_connection home eve@example.com vpn.example.com pubkey)"
  refused "unknown identity" 'identity=eve@example.com .*keyring certified has no peer for it'
  stop client
  start_client client "$CLIENT" "$(client_connection home mschapv2 alice | sed 's/ id = alice/ id = two.branch.example/')"
  refused "EAP where the profile wants a key" 'identity=two.branch.example .*client wants EAP, profile branches wants a pre-shared key'
}

# The same gateway meets a branch, a certified peer and somebody with EAP, each by its own profile: by IDi, and by IDi and IDr.
scenario_psk_profiles() {
  only_ours "keyrings" || return
  need setup "no setup" psk_setup
  CLIENT_SECRETS=$(psk_secret new.branch.example "the key of branches that are yet to come")
  start_client client "$CLIENT" "$(psk_connection home new.branch.example hub.example.com)
$(client_connection work mschapv2 alice)"
  psk_login new.branch.example branches "remote-identity fqdn-domain branch.example" PSK
  logs_in client work "login by EAP beside it"
  equal "EAP: profile and why" "remote-workers: remote-identity any" "$(session alice profile): $(session alice profileMatch)"
  equal "EAP: methods" "EAP-MSCHAPv2 RSA" "$(session alice authentication) $(session alice localAuthentication)"
  check "show tells it" "@headend show crypto session detail" eval 'headend show crypto session detail | grep -qE "matched by +remote-identity any"'
}
