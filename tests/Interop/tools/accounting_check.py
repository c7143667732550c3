#!/usr/bin/env python3
"""Proves a FreeRADIUS detail file against the sessions that clients saw: accounting_check.py DETAIL SESSIONS

Every session has one Start and one Stop by Acct-Session-Id and Acct-Status-Type, where retransmissions differ in nothing but Acct-Delay-Time; its
counters and times never go back; its Event-Timestamps are in order; each user in SESSIONS (one a line, each name used once) has exactly one session.
Prints what is wrong, at most 20 lines, and a summary; exit code 1 when something is wrong.
"""
import collections
import sys

VOLATILE = {"Acct-Delay-Time", "Timestamp", "Packet-Src-IP-Address", "Packet-Src-Port"}
COUNTERS = ["Acct-Session-Time", "in", "out", "Acct-Input-Packets", "Acct-Output-Packets"]


def records(path):
    record = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("\t"):
                name, _, value = line.strip().partition(" = ")
                record.append((name, value.strip('"')))
            elif record:
                yield record
                record = []
    if record:
        yield record


def counters(record):
    value = dict(record)
    return [int(value.get("Acct-Session-Time", 0)),
            (int(value.get("Acct-Input-Gigawords", 0)) << 32) + int(value.get("Acct-Input-Octets", 0)),
            (int(value.get("Acct-Output-Gigawords", 0)) << 32) + int(value.get("Acct-Output-Octets", 0)),
            int(value.get("Acct-Input-Packets", 0)), int(value.get("Acct-Output-Packets", 0))]


def main():
    wrong = []
    sessions = collections.defaultdict(lambda: collections.defaultdict(list))
    order = collections.defaultdict(list)
    causes = collections.Counter()
    total = again = 0
    for record in records(sys.argv[1]):
        value = dict(record)
        status, session = value.get("Acct-Status-Type"), value.get("Acct-Session-Id")
        if status in ("Accounting-On", "Accounting-Off"):
            continue
        total += 1
        if not session or status not in ("Start", "Stop", "Interim-Update", "Alive"):
            wrong.append(f"a record without session or status: {value}")
            continue
        content = tuple(item for item in record if item[0] not in VOLATILE)
        known = sessions[session][status]
        if content in known:
            again += 1
            continue
        known.append(content)
        order[session].append(record)
    users = collections.defaultdict(set)
    for session, kinds in sessions.items():
        for status in ("Start", "Stop"):
            if len(kinds[status]) != 1:
                wrong.append(f"{session}: {len(kinds[status])} different records {status}")
        seen = [dict(r).get("Acct-Status-Type") for r in order[session]]
        if seen[0] != "Start" or seen[-1] != "Stop":
            wrong.append(f"{session}: out of order: {seen}")
        last = None
        for record in order[session]:
            now = counters(record)
            if last and dict(record).get("Acct-Status-Type") != "Start":
                wrong.extend(f"{session}: {name} went back from {a} to {b}" for name, a, b in zip(COUNTERS, last, now) if b < a)
            last = now
            users[dict(record).get("User-Name")].add(session)
        for content in kinds["Stop"]:
            causes[dict(content).get("Acct-Terminate-Cause")] += 1
    with open(sys.argv[2], encoding="utf-8") as file:
        established = [line.strip() for line in file if line.strip()]
    for user in established:
        if len(users.get(user, ())) != 1:
            wrong.append(f"{user} was connected and has {len(users.get(user, ()))} sessions")
    for line in wrong[:20]:
        print(line)
    print(f"{len(established)} sessions seen by clients, {len(sessions)} accounted for, {total} records, {again} retransmissions, "
          f"{len(wrong)} faults, causes {dict(causes)}")
    return 1 if wrong or not established else 0


sys.exit(main())
