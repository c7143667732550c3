#!/usr/bin/env python3
"""Reads FreeRADIUS's accounting detail file.

detail.py count FILE STATUS [ATTRIBUTE=VALUE...]     how many records of that Acct-Status-Type (Start, Interim-Update, Stop; any = of a session, so neither On nor Off)
detail.py get FILE STATUS ATTRIBUTE [ATTRIBUTE=VALUE...]   the last such record's values of an attribute, one a line
detail.py octets FILE USER          "in-octets in-packets out-octets out-packets" of the user's last Stop, gigawords added
detail.py story FILE USER           checks that the user's records agree: one session id, Start first, Stop last, counters never fall;
                                    prints what is wrong, exit 1 then
"""
import re
import sys

OF_THE_NAS = ("Accounting-On", "Accounting-Off")
WORDS = {"Interim": "Interim-Update"}


def records(path):
    found, current = [], None
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        lines = []
    for text in lines:
        match = re.match(r"^\t([A-Za-z0-9-]+)(?::\d+)? [+:]?= (.*)$", text)
        if match:
            current.setdefault(match[1], []).append(match[2].strip('"'))
        elif text and not text.startswith("\t"):
            current = {}
            found.append(current)
    return [r for r in found if "Acct-Status-Type" in r]


def matching(path, status, filters):
    wanted = [f.split("=", 1) for f in filters]
    status = WORDS.get(status, status)
    return [r for r in records(path)
            if (r["Acct-Status-Type"][0] == status or status == "any" and r["Acct-Status-Type"][0] not in OF_THE_NAS) and all(any(v in x for x in r.get(k, [])) for k, v in wanted)]


def number(record, name):
    return int(record.get(name, ["0"])[0])


def counters(record):
    return [(number(record, f"Acct-{way}-Gigawords") << 32) + number(record, f"Acct-{way}-Octets") if kind == "Octets"
            else number(record, f"Acct-{way}-Packets")
            for way in ("Input", "Output") for kind in ("Octets", "Packets")]


def pair(record, name):
    return [v.split("=", 1)[1] for v in record.get("Cisco-AVPair", []) if v.startswith(name + "=")]


def story(path, user):
    found = matching(path, "any", [f"User-Name={user}"])
    wrong = []
    if len({r["Acct-Session-Id"][0] for r in found}) != 1:
        wrong.append(f"{len({r['Acct-Session-Id'][0] for r in found})} session ids")
    kinds = [r["Acct-Status-Type"][0] for r in found]
    if kinds[:1] != ["Start"] or kinds.count("Start") != 1:
        wrong.append(f"records {kinds}")
    if kinds[-1:] != ["Stop"] or kinds.count("Stop") != 1:
        wrong.append(f"records {kinds}")
    values = [counters(r) for r in found if r["Acct-Status-Type"][0] != "Start"]
    if any(b < a for earlier, later in zip(values, values[1:]) for a, b in zip(earlier, later)):
        wrong.append(f"counters fall: {values}")
    for constant in ("Framed-IP-Address", "Class", "NAS-Port"):
        if len({tuple(r.get(constant, [])) for r in found}) > 1:
            wrong.append(f"{constant} changes: {[r.get(constant) for r in found]}")
    if len({tuple(pair(r, "audit-session-id")) for r in found}) > 1:
        wrong.append("audit-session-id changes")
    print("; ".join(wrong))
    return 1 if wrong or not found else 0


def main():
    verb, path, *rest = sys.argv[1:]
    if verb == "count":
        print(len(matching(path, rest[0], rest[1:])))
    elif verb == "get":
        found = matching(path, rest[0], rest[2:])
        values = found[-1] if found else {}
        name = rest[1]
        print("\n".join(pair(values, name) if name == name.lower() else values.get(name, [])))
    elif verb == "octets":
        found = matching(path, "Stop", [f"User-Name={rest[0]}"])
        print(*(counters(found[-1]) if found else ["none"]))
    elif verb == "story":
        return story(path, rest[0])
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
