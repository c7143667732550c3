"""iperf_figures.py NAME IPERF.json CPU-MS: "NAME Mbit/s ms-per-GB" of what the receiver got."""
import json
import sys

end = json.load(open(sys.argv[2])).get("end", {})
received = end.get("sum_received") or end.get("sum") or {}
octets = received.get("bytes", 0)
print(sys.argv[1], round(received.get("bits_per_second", 0) / 1e6), round(int(sys.argv[3]) / max(octets / 1e9, 1e-9)))
