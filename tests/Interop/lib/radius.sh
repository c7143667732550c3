# FreeRADIUS from a generated configuration directory per server: only the modules the scenarios need, so a start takes
# well under a second, and nothing of the machine's own /etc/freeradius is read.

RADIUS_SECRET=a-secret-of-24-octets-xy

write_accounts() { # write_accounts DIR: who may log in (authorize) and what an Access-Accept carries (reply)
  cat >"$1/authorize" <<'ACCOUNTS'
alice Cleartext-Password := "pass-word"
bob Cleartext-Password := "bob-word"
dave Cleartext-Password := "dave-word"
short Cleartext-Password := "short-word"
idle Cleartext-Password := "idle-word"
load Cleartext-Password := "load-word"
ACCOUNTS
  cat >"$1/reply" <<'REPLIES'
alice
	Framed-IP-Address := 10.99.1.10,
	Framed-IP-Netmask := 255.255.255.255,
	MS-Primary-DNS-Server := 10.10.0.53,
	Class := 0x616c6963652d636c6173732d6f6e65,
	Class += 0x616c6963652d636c6173732d74776f,
	Cisco-AVPair += "ipsec:route-set=prefix 10.10.0.0/24"

carol@example.com
	Framed-IP-Address := 10.99.1.11

short
	Session-Timeout := 6

idle
	Idle-Timeout := 5
REPLIES
  [ -z "${MORE_ACCOUNTS:-}" ] || $MORE_ACCOUNTS "$1"
}

# start_radius NAME ADDRESS [SECRET]: process NAME, directory $RUN/NAME, accounting in $RUN/NAME/detail.
start_radius() {
  local name=$1 address=$2 secret=${3:-$RADIUS_SECRET} dir=$RUN/$1
  mkdir -p "$dir"
  write_accounts "$dir"
  echo "\$INCLUDE /usr/share/freeradius/dictionary" >"$dir/dictionary"
  cat >"$dir/radiusd.conf" <<CONF
name = $name
libdir = /usr/lib/freeradius
logdir = $dir
run_dir = $dir
raddbdir = $dir
max_request_time = 30
cleanup_delay = 5
max_requests = 65536
hostname_lookups = no
log {
	destination = files
	file = $dir/radius.log
	auth = ${RADIUS_LOG_AUTH:-yes}
}
security {
	max_attributes = 200
	reject_delay = 0
	status_server = yes
}
thread pool {
	start_servers = 4
	max_servers = 32
	min_spare_servers = 2
	max_spare_servers = 32
	max_requests_per_server = 0
}
client headend {
	ipaddr = ${RADIUS_CLIENT:-192.0.2.1}
	secret = $secret
	require_message_authenticator = yes
	nas_type = other
}
${RADIUS_MORE_CLIENTS:-}
modules {
	pap {
	}
	chap {
	}
	mschap {
		use_mppe = yes
	}
	${RADIUS_MODULES:-}
	files {
		filename = $dir/authorize
		postauth_usersfile = $dir/reply
	}
	always ok {
		rcode = ok
	}
	always handled {
		rcode = handled
	}
	detail requests {
		filename = $dir/requests
		permissions = 0644
		locking = no
	}
	detail {
		filename = $dir/detail
		permissions = 0644
		locking = no
	}
	eap {
		default_eap_type = mschapv2
		timer_expire = 60
		ignore_unknown_eap_types = no
		max_sessions = 65536
		md5 {
		}
		gtc {
			auth_type = PAP
		}
		mschapv2 {
		}
		tls-config tls-common {
			private_key_file = $RUN/pki/radius.key
			certificate_file = $RUN/pki/radius.pem
			ca_file = $RUN/pki/ca.pem
			fragment_size = 1024
			include_length = yes
			tls_min_version = "1.2"
			tls_max_version = "1.2"
			cache {
				enable = no
			}
		}
		tls {
			tls = tls-common
		}
		ttls {
			tls = tls-common
			default_eap_type = mschapv2
			copy_request_to_tunnel = no
			use_tunneled_reply = yes
			virtual_server = inner
		}
	}
}
server default {
	listen {
		type = auth
		ipaddr = $address
		port = 1812
	}
	listen {
		type = acct
		ipaddr = $address
		port = 1813
	}
	authorize {
		if (&Service-Type == Authorize-Only) {
			requests
			update reply {
				&Message-Authenticator := 0x00
				&Cisco-AVPair += "ip:interface-config=ip mtu 1320"
			}
			update control {
				&Auth-Type := Accept
			}
		}
		# FreeRADIUS 3.2.1 protects replies without EAP only when it is told to.
		if (&Service-Type == Outbound-User) {
			update reply {
				&Message-Authenticator := 0x00
			}
		}
		if (&User-Name =~ /^#ACSACL#-/) {
			requests
			update reply {
				&Message-Authenticator := 0x00
			}
			# A downloadable access list, as ISE sends a long one: in two pieces.
			if (&State) {
				update reply {
					&Cisco-AVPair += "ip:inacl#1=permit tcp any any eq 443"
				}
				update control {
					&Auth-Type := Accept
				}
			}
			else {
				update reply {
					&State := 0x01
					&Cisco-AVPair += "ip:inacl#2=permit icmp any any"
					&Cisco-AVPair += "ip:inacl#3=deny ip any any"
				}
				update control {
					&Response-Packet-Type := Access-Challenge
				}
				handled
			}
		}
		files
		${RADIUS_AUTHORIZE:-}
		chap
		mschap
		eap
		pap
	}
	authenticate {
		Auth-Type CHAP {
			chap
		}
		Auth-Type PAP {
			pap
		}
		Auth-Type MS-CHAP {
			mschap
		}
		${RADIUS_AUTHENTICATE:-}
		eap
	}
	post-auth {
		files
		${RADIUS_POST_AUTH:-}
	}
	accounting {
		${RADIUS_ACCOUNTING:-detail}
		ok
	}
}
server inner {
	authorize {
		files
		mschap
		eap
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type MS-CHAP {
			mschap
		}
		eap
	}
}
CONF
  start "$name" "$AAA" freeradius -d "$dir" -f -l "$dir/radius.log"
  wait_until 15 grep -q 'Ready to process requests' "$dir/radius.log" ||
    { say "FreeRADIUS did not start: $(tail -n 4 "$dir/radius.log" "$RUN/$name.out" 2>&1 | tr '\n' ' ')"; return 1; }
}

detail() { python3 "$HERE/tools/detail.py" "$@"; }
