#!/usr/bin/env python3
"""Judges the rounds of the load tool: rounds_check.py JSON SESSIONS ROUNDS. Prints a line "ok TEXT" or "not ok TEXT" for each demand.

The time per session is that of the median round: one round that other programs disturbed says nothing about the gateway.
"""
import json
import statistics
import sys

# Octets that the process may keep of each session that came and went after the second round: caches and the collector's mood; a record that stays is larger.
KEPT_OCTETS = 1_000
RATIO = 1.5


def say(good, text):
    print(("ok " if good else "not ok ") + text)


def main():
    path, sessions, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path, encoding="utf-8") as file:
        rounds = json.load(file)["rounds"]
    say(len(rounds) == wanted and all(r["established"] == sessions for r in rounds), f"{wanted} rounds of {sessions} sessions each")
    for way, first, last in (("up", "firstUp", "lastUp"), ("down", "firstDown", "lastDown")):
        ratio = statistics.median(r[last] / max(r[first], 1e-6) for r in rounds)
        say(ratio <= RATIO, f"{way}: the last 500 take {ratio:.2f} times as long as the first ({statistics.median(r[first] for r in rounds):.2f} and {statistics.median(r[last] for r in rounds):.2f} ms each)")
    after = [r["after"] for r in rounds]
    if len(rounds) < 3:
        say(False, "growth needs three rounds at least")
        return
    standing = statistics.median(r["standing"]["residentKilobytes"] for r in rounds)
    empty = statistics.median(a["residentKilobytes"] for a in after)
    growth = after[-1]["residentKilobytes"] - after[1]["residentKilobytes"]
    kept = growth * 1024 / (sessions * (len(rounds) - 2))
    say(kept <= KEPT_OCTETS, f"the process grew by {growth} kB from the second round to the last, {kept:.0f} octets for each session that came and went; "
        f"{standing:.0f} kB with everybody in, {empty:.0f} kB with everybody out, {(standing - empty) / sessions:.1f} kB a session")
    for name in ("links", "routes", "filterLines"):
        say(len({a[name] for a in after}) == 1, f"{name} after each round: {sorted({a[name] for a in after})}")
    say(after[-1]["descriptors"] <= after[0]["descriptors"] + 8, f"descriptors after the first round {after[0]['descriptors']}, after the last {after[-1]['descriptors']}")


if __name__ == "__main__":
    main()
