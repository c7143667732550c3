#!/usr/bin/env python3
"""iperf_rate.py FILE [lost]: of iperf3's JSON what the receiver got, in kbit/s, or the datagrams lost. 0 where there is no result."""
import json
import sys

try:
    with open(sys.argv[1]) as file:
        end = json.load(file)["end"]
except (OSError, ValueError, KeyError):
    print(0 if len(sys.argv) < 3 else "no result")
    sys.exit(0)
if len(sys.argv) > 2:
    print(end["sum"]["lost_packets"])
elif "sum_received" in end and end["sum_received"].get("bits_per_second"):
    print(round(end["sum_received"]["bits_per_second"] / 1000))
else:
    total = end["sum"]
    print(round(total["bits_per_second"] * (1 - total["lost_percent"] / 100) / 1000))
