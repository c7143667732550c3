# The gateway under test: GATEWAY=headend (ours, default) or GATEWAY=strongswan (Debian's, eap-radius and user-space ESP).
#
# A scenario sets what it wants to differ and calls start_gateway:
#   CERTIFICATE=gateway-rsa|gateway-ecdsa   RADIUS="ADDRESS..."   RADIUS_TIMEOUT RADIUS_RETRANSMIT DEAD_TIME
#   RADIUS_KEYS="KEY: VALUE, ..." (further keys of each RADIUS server)   RADIUS_PROOF="..." (instead of its secret)
#   ACCOUNTING=no EAP_TIMEOUT (45s at least) WITHOUT_KEY=true CHILD_LIFETIME IKE_LIFETIME DPD INTERIM
#   IPV4_SOURCE="pool: p4" POLICY_DNS POLICY_ROUTES (the policy's lines; empty for none)
#   DPD_OPTIONS="retransmissions: 2" RETURNS="client-resume: { interval: 2m }" (a line of the profile)
#   TRAFFIC="[10.10.0.0/24]" POOL6=yes FRAGMENT DATA_PLANE
#   TEMPLATE_COMMANDS TEMPLATE_MODE
#   KEYRINGS FURTHER_PROFILES (lines of `ikev2`; the profiles stand before the one for everybody)
#   MORE_AUTHENTICATION="{ name: ..., methods: [...] }" (a further list) MORE_POLICIES (lines of `authorization-policies`)
#   AUTHENTICATION=local EAP_OPTIONS="methods: [tls], tls: {...}" LOCAL_AAA (lines of `aaa`, such as local-users)

GATEWAY=${GATEWAY:-headend}
HEADEND=${HEADEND:-$ROOT/out/headend}

ours() { [ "$GATEWAY" = headend ]; }

# only_ours NAME: for what Debian's strongSwan has not; prints the skip.
only_ours() { ours || { skip "$1" "${2:-not a function of the comparison gateway}"; return 1; }; }

headend_configuration() {
  local certificate=${CERTIFICATE:-gateway-rsa} number=0 names="" one policy6=""
  local pools=${POOLS:-'{ name: p4, range: 10.99.0.0/16 }, { name: p6, range: "2001:db8:99::/112" }'}
  (umask 077; printf '%s' "$RADIUS_SECRET" >"$RUN/radius.secret"; printf '%s' "${WRONG_SECRET:-$RADIUS_SECRET}" >"$RUN/wrong.secret")
  [ -n "${POOL6:-}" ] && policy6="      ipv6-pool: p6"
  cat <<YAML
listen: { addresses: [0.0.0.0, "::"], ike-port: 500, nat-t-port: 4500 }
data-plane: { kind: ${DATA_PLANE:-user-space} }
${EXTRA_SECTIONS:-}
radius:
  servers:
YAML
  for one in ${RADIUS:-$RADIUS1}; do
    number=$((number + 1)); names="$names${names:+, }radius$number"
    echo "    - { name: radius$number, address: $one, auth-port: 1812, acct-port: 1813, ${RADIUS_PROOF:-secret-file: $RUN/${SECRET_FILE:-radius}.secret}, timeout: ${RADIUS_TIMEOUT:-5s}, retransmit: ${RADIUS_RETRANSMIT:-3}${RADIUS_KEYS:+, $RADIUS_KEYS} }"
  done
  cat <<YAML
  groups:
    - { name: corp, servers: [$names], dead-time: ${DEAD_TIME:-2m} }
  attributes: { nas-identifier: gw1 }
${DYNAMIC_AUTHOR:+  $DYNAMIC_AUTHOR}
aaa:
  authentication: [ { name: eap-list, methods: [${AUTHENTICATION:-group corp}] }${MORE_AUTHENTICATION:+, $MORE_AUTHENTICATION} ]
  authorization: [ { name: local-list, methods: [local] }, { name: author-list, methods: [group corp] } ]
  accounting: [ { name: acct-list, methods: [group corp], interim-interval: ${INTERIM:-10m} } ]
${LOCAL_AAA:-}
ikev2:
  proposals: [ { name: default, transforms: [${PROPOSALS:-aes256-sha256-x25519, aes256gcm16-prfsha384-ecp384, aes256-sha256-modp2048}] } ]
  authorization-policies:
    - name: staff
      ${IPV4_SOURCE:-pool: p4}
${policy6:-${POLICY_DNS-      dns: [10.10.0.54]}}
${POLICY_ROUTES-      route-set: ["prefix 10.10.0.0/24"]}
${STAFF_LIST:+      $STAFF_LIST}
${MORE_POLICIES:-}
${KEYRINGS:-}
  profiles:
${FURTHER_PROFILES:-}
    - name: remote-workers
      match: { remote-identity: [any] }
      local-identity: fqdn vpn.example.com
      local-authentication: { certificate: $RUN/pki/$certificate.pem, key: $RUN/pki/$certificate.key }
      remote-authentication: { eap: { query-identity: true, timeout: ${EAP_TIMEOUT:-90s}${WITHOUT_KEY:+, allow-methods-without-key: true}${EAP_OPTIONS:+, $EAP_OPTIONS} } }
      authentication-list: eap-list
      authorization:
        user: { cached: true }
        group: { list: local-list, name: staff }
$([ "${ACCOUNTING:-yes}" = no ] || echo "      accounting-list: acct-list")
      proposals: [default]
${IKE_LIFETIME:+      ike-lifetime: $IKE_LIFETIME}
      ipsec: { transforms: [aes256gcm16, aes256-sha256], pfs: optional, lifetime: ${CHILD_LIFETIME:-1h}, replay-window: 1024 }
      traffic: { local: ${TRAFFIC:-[10.10.0.0/24]} }
      dpd: { interval: ${DPD:-30s}, mode: periodic${DPD_OPTIONS:+, $DPD_OPTIONS} }
${RETURNS:+      $RETURNS}
${UNIQUE_SESSIONS:+      unique: $UNIQUE_SESSIONS}
      virtual-template: 1
virtual-templates:
  - { number: 1, ${TEMPLATE_MODE:+mode: $TEMPLATE_MODE, }commands: [${TEMPLATE_COMMANDS:-"ip unnumbered lan0", "ip mtu 1400", "ip tcp adjust-mss 1360"}] }
pools: [ $pools ]
YAML
}

# In the guest of qemu.sh the questions that are asked most go to the admin API without the command line: its start is most of their time there.
headend() {
  case "${IN_GUEST:-} $*" in
    "1 show crypto session --json") python3 -IS "$HERE/tools/admin_get.py" "$RUN/admin.sock" /v1/crypto/sessions ;;
    "1 show crypto ikev2 sa --json") python3 -IS "$HERE/tools/admin_get.py" "$RUN/admin.sock" /v1/crypto/ikev2/sas ;;
    *) in_ns "$GATEWAY_NS" "$HEADEND" "$@" --socket "$RUN/admin.sock" ;;
  esac
}

# Waits until the admin socket answers; an end of the process ends the wait. Nobody asks before it serves: on a slow machine the question is most of the work.
headend_ready() {
  wait_until 30 eval 'grep -q event=serving "$RUN/gateway.out" || not running gateway'
  wait_until 20 eval 'headend show crypto session --json || not running gateway' && running gateway
}

start_headend() {
  [ -x "$HEADEND" ] || { say "no $HEADEND: dotnet publish src/Headend -c Release -o out"; return 1; }
  headend_configuration | sed '/^$/d' >"$RUN/headend.yaml"
  start gateway "$GATEWAY_NS" "$HEADEND" run --config "$RUN/headend.yaml" --state "$RUN/state" --socket "$RUN/admin.sock"
  headend_ready || { say "headend did not start: $(tail -n 4 "$RUN/gateway.out" | tr '\n' ' ')"; return 1; }
}

start_strongswan_gateway() {
  local certificate=${CERTIFICATE:-gateway-rsa} dir=$RUN/gateway number=0 servers="" one pools="radius, p4"
  [ -n "${POOL6:-}" ] && pools="$pools, p6"
  mkdir -p "$dir/etc/private"
  cp "$RUN/pki/$certificate.key" "$dir/etc/private/"
  for one in ${RADIUS:-$RADIUS1}; do
    number=$((number + 1))
    servers="$servers
        s$number { address = $one
          secret = ${WRONG_SECRET:-$RADIUS_SECRET}
          auth_port = 1812
          acct_port = 1813
          preference = $((100 - number))
          sockets = ${SOCKETS:-10} }"
  done
  cat >"$dir/strongswan.conf" <<CONF
charon {
  load_modular = no
  load = random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey aes sha1 sha2 md5 hmac kdf gcm curve25519 gmp chapoly kernel-libipsec kernel-netlink socket-default eap-identity eap-radius vici
  threads = ${THREADS:-16}
  fragment_size = ${FRAGMENT:-1280}
  half_open_timeout = ${HALF_OPEN:-30}
  ${CHARON_OPTIONS:-}
  plugins {
    vici { socket = unix://$dir/vici }
    eap-radius {
      accounting = ${ACCOUNTING:-yes}
      accounting_interval = ${INTERIM_SECONDS:-0}
      retransmit_timeout = ${STRONGSWAN_RADIUS_TIMEOUT:-2.0}
      retransmit_tries = ${STRONGSWAN_RADIUS_TRIES:-4}
      nas_identifier = gw1
      servers {$servers
      }
    }
  }
  filelog {
    log { path = $RUN/gateway.out
      default = ${GATEWAY_LOG:-1}
      flush_line = ${GATEWAY_FLUSH:-yes}
      time_format = %H:%M:%S
      append = yes
    }
  }
}
CONF
  cat >"$dir/etc/swanctl.conf" <<CONF
connections {
  gateway {
    version = 2
    local_addrs = %any
    pools = $pools
    proposals = ${STRONGSWAN_PROPOSALS:-aes256-sha256-x25519,aes256gcm16-prfsha384-ecp384,aes256-sha256-modp2048}
    fragmentation = yes
    mobike = no
    send_certreq = no
    dpd_delay = ${DPD:-30s}
    rekey_time = ${IKE_LIFETIME:-8h}
    over_time = 1h
    rand_time = 0
    unique = ${UNIQUE:-no}
    local {
      auth = ${STRONGSWAN_AUTH:-pubkey}
      certs = $RUN/pki/$certificate.pem
      id = vpn.example.com
    }
    remote {
      auth = eap-radius
      eap_id = %any
    }
    children {
      net {
        local_ts = 10.10.0.0/24${POOL6:+, 2001:db8:10::/64}
        esp_proposals = aes256gcm16-x25519,aes256gcm16,aes256-sha256
        rekey_time = ${CHILD_LIFETIME:-1h}
        life_time = 3h
        rand_time = 0
        dpd_action = clear
      }
    }
  }
}
pools {
  p4 { addrs = 10.99.0.0/16
    dns = 10.10.0.54 }
  p6 { addrs = 2001:db8:99::/112 }
}
CONF
  charon_daemon gateway "$GATEWAY_NS" "$dir/strongswan.conf"
  wait_until 10 swan gateway --stats || { say "gateway charon did not start"; return 1; }
  swan gateway --load-all --file "$dir/etc/swanctl.conf" >"$dir/load.out" 2>&1 || { say "swanctl: $(tail -n 3 "$dir/load.out" | tr '\n' ' ')"; return 1; }
  ip -n "$GATEWAY_NS" link set ipsec0 mtu 1400
}

start_gateway() { if ours; then start_headend; else start_strongswan_gateway; fi; }

# session USER FIELD: of `show crypto session --json`; nested fields with dots.
session() { headend show crypto session --json 2>/dev/null | python3 "$HERE/tools/json_field.py" "$1" "$2"; }

sessions() { # how many the gateway holds, established or not
  if ours; then
    headend show crypto session --json 2>/dev/null | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'
  else
    swan gateway --list-sas --raw 2>/dev/null | grep -c '^list-sa event'
  fi
}

virtual_devices() { ip -n "$GATEWAY_NS" -o link show | awk -F'[ :@]+' '$2 ~ /^vi[0-9]+$/ {print $2}'; }

client_routes() { ip -n "$GATEWAY_NS" route show table all | grep -E '(^| )(10\.99\.|2001:db8:99:)' | grep -v '^local'; ip -n "$GATEWAY_NS" -6 route show table all | grep -E '^2001:db8:99:'; }

nothing_left() {
  [ "$(sessions)" = 0 ] || return 1
  ours || return 0
  [ -z "$(virtual_devices)" ] && [ -z "$(client_routes)" ] && [ "$(half_open)" = 0 ]
}

half_open() { headend show crypto ikev2 sa --json 2>/dev/null | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'; }

what_is_left() { # one line
  echo "sessions $(sessions), devices $(virtual_devices | tr '\n' ' '), routes $(client_routes | tr '\n' ' ')$(ours && echo ", IKE SAs $(half_open)")"
}
