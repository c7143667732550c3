#!/usr/bin/env python3
"""One line from the load tool's JSON: load_result.py JSON OFFERED-RATE CPU-MS RSS-KB [--whole]

With --whole the rate is that from the first login to the end of the last, else that of the steady window while logins were offered.
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
    latency = result["latencyMilliseconds"]
    rate = successes / max(result["seconds"], 1e-6) if "--whole" in sys.argv else result["ratePerSecond"]
    print(offered, successes, failures, round(rate), round(cpu / max(successes, 1), 2), round(rss / max(successes, 1), 1),
          round(latency["p50"]), round(latency["p99"]))


if __name__ == "__main__":
    main()
