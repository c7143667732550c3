#!/usr/bin/env python3
"""One line from the load tool's JSON: load_result.py JSON OFFERED-RATE CPU-MS RSS-KB

Prints "offered successes failures achieved-rate cpu-ms-per-login rss-kb-per-session p50-ms p99-ms".
"""
import json
import sys


def main():
    path, offered, cpu, rss = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    try:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
    except (OSError, ValueError):
        print(offered, 0, 0, 0, 0, 0, 0, 0)
        return
    successes = int(result["succeeded"])
    failures = int(result["failed"])
    latency = result.get("latencyMilliseconds", {})
    print(offered, successes, failures, round(result["ratePerSecond"]), round(cpu / max(successes, 1), 2), round(rss / max(successes, 1), 1),
          round(latency.get("p50", 0)), round(latency.get("p99", 0)))


if __name__ == "__main__":
    main()
