# Namespaces of one run:
#
#   client 198.51.100.10 ---- 198.51.100.1 \            / 192.0.2.1 ---- 192.0.2.{2,3,4,9} aaa
#          2001:db8:51::10    2001:db8:51::1  headend
#   inside 192.168.77.10 -- nat -- 203.0.113.1 /        \ 10.10.0.1 ---- 10.10.0.2 lan
#                                                         2001:db8:10::1  2001:db8:10::2
# Client pools: 10.99.0.0/16 and 2001:db8:99::/112. 192.0.2.9 swallows everything.

GATEWAY_V4=198.51.100.1 GATEWAY_V6=2001:db8:51::1
LAN_V4=10.10.0.2 LAN_V6=2001:db8:10::2
RADIUS1=192.0.2.2 RADIUS2=192.0.2.3 RADIUS_FAULTY=192.0.2.4 RADIUS_SILENT=192.0.2.9

link() { # link NS1 NAME1 NS2 NAME2
  ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
  ip -n "$1" link set "$2" up
  ip -n "$3" link set "$4" up
}

address() { # address NS DEVICE ADDRESS...
  local ns=$1 device=$2 one; shift 2
  for one in "$@"; do
    case $one in
      *:*) ip -n "$ns" address add "$one" dev "$device" nodad ;;
      *) ip -n "$ns" address add "$one" dev "$device" ;;
    esac
  done
}

add_namespace() {
  ip netns add "$1" && ip -n "$1" link set lo up
  # Without promotion the removal of an old inner address takes the new one with it.
  in_ns "$1" sysctl -qw net.ipv4.conf.all.promote_secondaries=1 net.ipv4.conf.default.promote_secondaries=1 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  # Link-local addresses stand at once, so that a picture of before has them.
  in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}

make_topology() {
  local ns
  for ns in "$CLIENT" "$GATEWAY_NS" "$AAA" "$LAN"; do add_namespace "$ns"; done
  link "$CLIENT" eth0 "$GATEWAY_NS" wan0
  link "$AAA" eth0 "$GATEWAY_NS" aaa0
  link "$LAN" eth0 "$GATEWAY_NS" lan0
  address "$CLIENT" eth0 198.51.100.10/24 2001:db8:51::10/64
  address "$GATEWAY_NS" wan0 $GATEWAY_V4/24 $GATEWAY_V6/64
  address "$GATEWAY_NS" aaa0 192.0.2.1/24
  address "$GATEWAY_NS" lan0 10.10.0.1/24 2001:db8:10::1/64
  address "$AAA" eth0 $RADIUS1/24 $RADIUS2/24 $RADIUS_FAULTY/24 $RADIUS_SILENT/24
  address "$LAN" eth0 $LAN_V4/24 $LAN_V6/64
  ip -n "$LAN" route add 10.99.0.0/16 via 10.10.0.1
  ip -n "$LAN" route add 2001:db8:99::/112 via 2001:db8:10::1
  ip -n "$CLIENT" route add default via $GATEWAY_V4
  in_ns "$GATEWAY_NS" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  # Clients reach the inner networks through the tunnel or not at all.
  in_ns "$GATEWAY_NS" nft -f - <<NFT
table inet outside {
  chain forward {
    type filter hook forward priority 0;
    iifname { "wan0", "wan1" } oifname "lan0" drop
  }
}
NFT
  in_ns "$AAA" nft -f - <<NFT
table inet silence {
  chain input {
    type filter hook input priority 0;
    ip daddr $RADIUS_SILENT drop
  }
}
NFT
}

# A second client place, behind a masquerading router with its own line to the headend.
make_nat() {
  add_namespace "$NAT"; add_namespace "$INSIDE"
  link "$NAT" out0 "$GATEWAY_NS" wan1
  link "$NAT" in0 "$INSIDE" eth0
  address "$GATEWAY_NS" wan1 203.0.113.1/24
  address "$NAT" out0 203.0.113.10/24
  address "$NAT" in0 192.168.77.1/24
  address "$INSIDE" eth0 192.168.77.10/24
  ip -n "$NAT" route add default via 203.0.113.1
  ip -n "$INSIDE" route add default via 192.168.77.1
  in_ns "$NAT" sysctl -qw net.ipv4.ip_forward=1
  in_ns "$NAT" nft -f - <<NFT
table ip nat {
  chain post {
    type nat hook postrouting priority 100;
    oifname "out0" masquerade random
  }
}
NFT
}
