# Traffic between a client and the LAN host, and what both counted.

MEGABYTES=${MEGABYTES:-100}

start_lan_services() {
  start lan-tcp4 "$LAN" python3 "$HERE/tools/transfer.py" serve $LAN_V4 5001
  start lan-tcp6 "$LAN" python3 "$HERE/tools/transfer.py" serve $LAN_V6 5001
  start lan-udp4 "$LAN" python3 "$HERE/tools/udp_echo.py" serve $LAN_V4 5002
  local one
  for one in lan-tcp4 lan-tcp6 lan-udp4; do wait_until 10 grep -q ready "$RUN/$one.out" || return 1; done
}

pings() { # pings NAMESPACE ADDRESS [COUNT]
  in_ns "$1" ping -n -q -c "${3:-3}" -i 0.2 -W 3 "$2" >"$RUN/ping.out" 2>&1
}

# move NAME NAMESPACE ADDRESS: the megabytes each way, equal checksums.
move() {
  local way
  for way in up down; do
    if timeout --foreground 180 ip netns exec "$2" python3 "$HERE/tools/transfer.py" $way "$3" 5001 $((MEGABYTES * 1000000)) >"$RUN/move.out" 2>&1; then
      ok "$1 $MEGABYTES MB $way, $(sed 's/.* = //' "$RUN/move.out")"
    else
      fail "$1 $MEGABYTES MB $way" "$(tail -n 1 "$RUN/move.out")"
    fi
  done
}

# Counters of inner IP packets of one client address. Segmentation offload would let one count stand for many packets.
count_packets() { # count_packets NAMESPACE DEVICE CLIENT-ADDRESS FROM-CHAIN TO-CHAIN
  ip -n "$1" link set "$2" gso_max_segs 1 gso_max_size 2000 2>/dev/null || true
  in_ns "$1" nft -f - <<NFT
table inet interop_count {
  counter from_client { }
  counter to_client { }
  chain input {
    type filter hook input priority 0;
    ip $4 $3 counter name $5
  }
  chain output {
    type filter hook output priority 0;
    ip $6 $3 counter name $7
  }
}
NFT
}
count_on_lan() {
  # The gateway joins the client's TCP segments; its LAN device cuts them again before they are counted.
  ip -n "$GATEWAY_NS" link set lan0 gso_max_segs 1 gso_max_size 2000 2>/dev/null || true
  count_packets "$LAN" eth0 "$1" saddr from_client daddr to_client
}
count_on_client() { count_packets "$1" ipsec0 "$2" daddr to_client saddr from_client; }

counted() { # counted NAMESPACE COUNTER: "octets packets"
  in_ns "$1" nft list counter inet interop_count "$2" | sed -n 's/.*packets \([0-9]*\) bytes \([0-9]*\).*/\2 \1/p'
}
