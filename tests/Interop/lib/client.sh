# Debian's strongSwan as the client: one charon with user-space ESP per namespace.

charon_daemon() { # charon_daemon NAME NAMESPACE CONF: /run of its own, for the pid file
  mkdir -p "$RUN/$1/run"
  STRONGSWAN_CONF=$3 start "$1" "$2" unshare -m sh -c "mount --bind '$RUN/$1/run' /run && exec /usr/lib/ipsec/charon"
}

swan() { # swan NAME ARGUMENTS...: swanctl against that charon
  local name=$1; shift
  swanctl "$@" --uri "unix://$RUN/$name/vici"
}

# client_connection NAME METHOD USER [OPTION=VALUE...]: one connection and its child, both called NAME.
# Options: gateway=ADDR ts=SUBNETS vips=ADDRS proposals=LIST esp=LIST secret=PASSWORD mobike=no timeout=SECONDS local_ts=SUBNETS rekey=..., mode=transport, over=DURATION (how long before an AUTH_LIFETIME's end it logs in anew), dpd=... cert=NAME (of \$RUN/pki, for tls) aaa_id=IDENTITY
client_connection() {
  local name=$1 method=$2 user=$3; shift 3
  local gateway=$GATEWAY_V4 ts=10.10.0.0/24 vips=0.0.0.0 proposals=aes256-sha256-x25519 esp=aes256gcm16-x25519,aes256gcm16 mobike=no dpd=0 certs="" encap=no local_ts="" cert=carol aaa_id="O=Interop, CN=radius.example.com"
  local option mode=tunnel
  for option; do local "${option%%=*}"="${option#*=}"; done
  [ "$method" = tls ] && certs="certs = $RUN/pki/$cert.pem"
  local local_addr=198.51.100.10 local_id=$user
  case $gateway in *:*) local_addr=2001:db8:51::10 ;; esac
  [ "${place:-}" = inside ] && local_addr=192.168.77.10
  cat <<CONF
  $name {
    version = 2
    local_addrs = $local_addr
    remote_addrs = $gateway
    vips = $vips
    proposals = $proposals
    mobike = $mobike
    fragmentation = yes
    encap = $encap
    rekey_time = ${ike_rekey:-8h}
${over:+    over_time = $over
    rand_time = 0}
    dpd_delay = $dpd
    local {
      auth = eap-$method
      id = $local_id
      eap_id = $user
      aaa_id = "$aaa_id"
      $certs
    }
    remote {
      auth = pubkey
      id = vpn.example.com
      cacerts = $RUN/pki/ca.pem
    }
    children {
      $name {
        remote_ts = $ts
${local_ts:+        local_ts = $local_ts}
        mode = $mode
        esp_proposals = $esp
        rekey_time = ${child_rekey:-8h}
        dpd_action = clear
      }
    }
  }
CONF
}

# start_charon NAME NAMESPACE: the daemon alone, nothing configured. FRAGMENT (octets) overrides the IKE fragment size; CLIENT_ESP=kernel leaves ESP to the kernel.
start_charon() {
  local name=$1 namespace=$2 dir=$RUN/$1
  mkdir -p "$dir"
  cat >"$dir/strongswan.conf" <<CONF
charon {
  load_modular = no
  load = random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey aes sha1 sha2 md5 hmac kdf gcm curve25519 gmp chapoly $([ "${CLIENT_ESP:-}" = kernel ] || echo kernel-libipsec) kernel-netlink socket-default eap-identity eap-mschapv2 eap-md5 eap-gtc eap-tls eap-ttls vici
  install_virtual_ip_on = $([ "${CLIENT_ESP:-}" = kernel ] && echo lo || echo ipsec0)
  fragment_size = ${FRAGMENT:-1280}
  retransmit_timeout = ${CLIENT_RETRANSMIT:-2.0}
  retransmit_tries = ${CLIENT_RETRIES:-5}
  delete_established_timeout = 1
  plugins {
    vici { socket = unix://$dir/vici }
    eap-ttls { max_message_count = 64 }
    eap-tls { max_message_count = 64 }
    # Selectors that hold the gateway itself: the tunnel's own packets carry a mark that keeps them out of it.
    kernel-libipsec { allow_peer_ts = yes }
    kernel-netlink { fwmark = !0x42 }
    socket-default { fwmark = 0x42 }
  }
  filelog {
    log { path = $dir/charon.log
      default = 1
      ike = ${CLIENT_IKE_LOG:-1}
      flush_line = yes
      time_format = %H:%M:%S
    }
  }
}
CONF
  charon_daemon "$name" "$namespace" "$dir/strongswan.conf"
  wait_until 10 swan "$name" --stats || { say "client charon did not start: $(tail -n 3 "$RUN/$name.out")"; return 1; }
  # The transport's own MTU holds for IKE; inner packets must fit an encapsulated one.
  ip -n "$namespace" link set ipsec0 mtu 1400 2>/dev/null || true
}

# start_client NAME NAMESPACE CONNECTIONS: connections as client_connection printed them, and the passwords of all accounts.
start_client() {
  local name=$1 connections=$3 dir=$RUN/$1 key
  mkdir -p "$dir/etc/private"
  for key in carol ${CLIENT_KEYS:-}; do cp "$RUN/pki/$key.key" "$dir/etc/private/"; done
  start_charon "$name" "$2" || return 1
  cat >"$dir/etc/swanctl.conf" <<CONF
connections {
$connections
}
secrets {
  eap-alice { id = alice
    secret = "${ALICE_PASSWORD:-pass-word}" }
  eap-bob { id = bob
    secret = "bob-word" }
  eap-dave { id = dave
    secret = "dave-word" }
  eap-short { id = short
    secret = "short-word" }
  eap-idle { id = idle
    secret = "idle-word" }
  eap-nobody { id = nobody
    secret = "nobody-word" }
${CLIENT_SECRETS:-}
$(for name in six branch filtered dacl broken again lines named filterid rules missing many lost; do echo "  eap-$name { id = $name"; echo "    secret = \"$name-word\" }"; done)
}
authorities {
  interop { cacert = $RUN/pki/ca.pem }
}
CONF
  swan "$name" --load-all --file "$dir/etc/swanctl.conf" >"$dir/load.out" 2>&1 || { say "swanctl --load-all: $(tail -n 4 "$dir/load.out" | tr '\n' ' ')"; return 1; }
}

# log_in NAME CONNECTION [SECONDS]: the whole login; output kept in $RUN/NAME/CONNECTION.initiate
log_in() { timeout --foreground "$((${3:-20} * PATIENCE + 2))" swanctl --initiate --child "$2" --timeout "$((${3:-20} * PATIENCE))" --uri "unix://$RUN/$1/vici" >"$RUN/$1/$2.initiate" 2>&1; }

log_out() { timeout --foreground 20 swanctl --terminate --ike "$2" --timeout 10 --uri "unix://$RUN/$1/vici" >"$RUN/$1/$2.terminate" 2>&1; }

# sa NAME CONNECTION FIELD: from --list-sas --raw; vips, child-spi, ike-spi, ... empty when there is none.
sa() { swan "$1" --list-sas --raw 2>/dev/null | python3 "$HERE/tools/swan_sa.py" "$2" "$3"; }

established() { [ "$(sa "$1" "$2" state)" = ESTABLISHED ] && [ -n "$(sa "$1" "$2" child-spi)" ]; }

no_sa() { [ -z "$(sa "$1" "$2" state)" ]; }

why() { tail -n 2 "$RUN/$1/$2.initiate" 2>/dev/null | tr '\n' ' '; }

# logs_in NAME CONNECTION WHAT: the login as a result line; a failure ends the scenario.
logs_in() {
  if log_in "$1" "$2" "${4:-20}"; then ok "$3"; else fail "$3" "$(why "$1" "$2")"; exit 0; fi
}

# The gateway's last word was AUTHENTICATION_FAILED; strongSwan as the gateway says it by EAP-Failure alone.
saw_authentication_failed() { grep -E 'parsed IKE_AUTH response' "$RUN/$1/charon.log" | tail -n 1 | grep -qE "N\\(AUTH_FAILED\\)$(ours || echo '|EAP/FAIL')"; }
