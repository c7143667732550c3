#!/usr/bin/env python3
"""CoA-Requests at a steady rate, each answer held against the kernel in the moment in which it comes. Runs in the gateway's network namespace.

coa_load.py --sessions FILE --table TABLE [--untouched N] [--rate N] [--seconds N] [--spoil N] [--nft N] ADDRESS PORT SECRET

  --sessions FILE   `headend show crypto session --json`
  --untouched N     sessions of users load1..loadN get none
  --spoil N         every Nth request has three commands of which the third cannot be: it must be refused and change nothing
  --nft N           every Nth answer is looked at with nft and tc, too

Each good request gives the session access lists of its own for both directions and a rate to the client. When its ACK comes, the kernel is asked by netlink: the interface's link
group, the chains that the verdict maps give it, their rules, the rate of its queue. Prints NAME=VALUE pairs; exit code 1 when an answer was not true, was wrong, or missing.
"""
import argparse
import collections
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dac  # noqa: E402

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
RTM_GETLINK, RTM_GETTCLASS = 18, 42
NFT_GETRULE, NFT_GETSETELEM = 10 << 8 | 7, 10 << 8 | 13
NFPROTO_INET = 1
LATE = 5.0


def align(length):
    return (length + 3) & ~3


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(align(len(value)) - len(value))


def attributes(octets):
    at, found = 0, {}
    while at + 4 <= len(octets):
        length, kind = struct.unpack_from("=HH", octets, at)
        if length < 4:
            break
        found[kind & 0x3fff] = octets[at + 4:at + length]
        at += align(length)
    return found


class Netlink:
    def __init__(self, protocol):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE
        self.socket.bind((0, 0))
        self.socket.settimeout(5)
        self.number = 0

    def ask(self, kind, flags, body):
        self.number += 1
        self.socket.send(struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, self.number, 0) + body)
        found = []
        while True:
            octets, at = self.socket.recv(1 << 17), 0
            while at + 16 <= len(octets):
                length, message, _, number, _ = struct.unpack_from("=IHHII", octets, at)
                if number == self.number:
                    if message in (2, 3):  # NLMSG_ERROR, NLMSG_DONE
                        code = struct.unpack_from("=i", octets, at + 16)[0] if length >= 20 else 0
                        return found, -code
                    found.append(octets[at + 16:at + length])
                at += align(length)
            if not flags & NLM_F_DUMP and found and not flags & NLM_F_ACK:
                return found, 0


class Kernel:
    """What stands at an interface, by netlink alone: cheap enough for every answer."""

    def __init__(self, table):
        self.route, self.netfilter, self.table = Netlink(0), Netlink(12), table.encode() + b"\0"

    def link(self, index):
        found, error = self.route.ask(RTM_GETLINK, NLM_F_ACK, struct.pack("=BxHiII", 0, 0, index, 0, 0))
        if error or not found:
            return None
        one = attributes(found[0][16:])
        number = lambda kind: struct.unpack("=I", one[kind])[0] if kind in one else 0
        return {"group": number(27), "mtu": number(4), "alias": one.get(20, b"").rstrip(b"\0").decode()}

    def chain(self, direction, group):
        """The name of the chain that a verdict map leads a link group to; "" where it lets everything through, None without an element."""
        key = attribute(0x8000 | 1, attribute(0x8000 | 1, attribute(0x8000 | 1, attribute(1, struct.pack("=I", group)))))
        body = struct.pack("!BBH", NFPROTO_INET, 0, 0) + attribute(1, self.table) + attribute(2, direction.encode() + b"\0") + attribute(0x8000 | 3, key[4:])
        found, error = self.netfilter.ask(NFT_GETSETELEM, NLM_F_ACK, body)
        if error or not found:
            return None
        element = attributes(attributes(attributes(found[0][4:])[3])[1])
        verdict = attributes(attributes(element[2])[2])
        return verdict.get(2, b"").rstrip(b"\0").decode()

    def rules(self, chain):
        body = struct.pack("!BBH", NFPROTO_INET, 0, 0) + attribute(1, self.table) + attribute(2, chain.encode() + b"\0")
        found, error = self.netfilter.ask(NFT_GETRULE, NLM_F_DUMP, body)
        return [] if error else [attributes(one[4:]).get(4, b"") for one in found]

    def ports(self, chain):
        """Every number of two octets that a rule of the chain compares with."""
        found = set()
        for rule in self.rules(chain):
            at = rule.find(b"\x06\0\x01\0")
            while at >= 0:
                found.add(struct.unpack_from("!H", rule, at + 4)[0])
                at = rule.find(b"\x06\0\x01\0", at + 1)
        return found

    def rates(self, index):
        """Octets per second of the htb classes at the device."""
        found, error = self.route.ask(RTM_GETTCLASS, NLM_F_DUMP, struct.pack("=BxHiIII", 0, 0, index, 0, 0, 0))
        rates = set()
        for one in [] if error else found:
            parameters = attributes(attributes(one[20:]).get(2, b"")).get(1, b"")
            if len(parameters) >= 24:
                rates.add(struct.unpack_from("=I", parameters, 20)[0])  # tc_htb_opt.ceil.rate
        return rates

    def state(self, index):
        """All of it, counters left out: what a refused request must leave alone."""
        link = self.link(index)
        if link is None:
            return None
        lists = []
        for direction in ("in", "out"):
            chain = self.chain(direction, link["group"])
            lists.append((chain, tuple(sorted(self.ports(chain))) if chain else ()))
        return (link["group"], link["mtu"], link["alias"], tuple(lists), tuple(sorted(self.rates(index))))


class Asked:
    """A request under way."""

    def __init__(self, session, request, expected, before):
        self.session, self.request, self.expected, self.before = session, request, expected, before
        self.sent_at = self.again_at = None


def good(number):
    """Attributes of the number-th change, and what must be true after it."""
    up, down, rate = 1000 + number % 60000, 1000 + (number * 7 + 1) % 60000, 1_000_000 + number % 900 * 8000
    pairs = [f"Cisco-AVPair=ip:inacl#1=permit udp any host 10.10.0.2 eq {up}", "Cisco-AVPair=ip:inacl#2=permit icmp any any", "Cisco-AVPair=ip:inacl#3=deny ip any 10.20.0.0/16",
             f"Cisco-AVPair=ip:outacl#1=permit udp host 10.10.0.2 eq {down} any", "Cisco-AVPair=ip:outacl#2=permit icmp any any", f"WISPr-Bandwidth-Max-Down={rate}"]
    return pairs, (up, down, rate // 8)


# The first two are good, and would be seen in the kernel; the third is no command, names what is not there, or is refused by the kernel itself in the middle of the plan.
IMPOSSIBLE = (("no such command", 407), ("service-policy output nosuch", 407), ("ip route 10.10.0.0 255.255.255.0", 506))


def spoilt(number):
    command, cause = IMPOSSIBLE[number % len(IMPOSSIBLE)]
    return [f"Cisco-AVPair=ip:interface-config=ip mtu {1300 + number % 60}", f"Cisco-AVPair=ip:interface-config=description spoilt {number}", f"Cisco-AVPair=ip:interface-config={command}",
            f"Cisco-AVPair=ip:inacl#1=permit udp any host 10.10.0.2 eq {number % 60000 + 1}"], cause


def bits(text):
    """Bits per second behind each "ceil" of tc's."""
    unit = {"": 1, "K": 1000, "M": 1_000_000, "G": 1_000_000_000}
    return {int(number) * unit[letter] for number, letter in re.findall(r"ceil (\d+)([KMG]?)bit", text)}


def cause_of(reply):
    at = 20
    while at < len(reply):
        if reply[at] == 101:
            return struct.unpack("!I", reply[at + 2:at + 6])[0]
        at += reply[at + 1]
    return None


class Run:
    def __init__(self, given, sessions):
        self.given, self.sessions, self.secret = given, sessions, given.secret.encode()
        self.kernel = Kernel(given.table)
        # A RADIUS identifier is one octet: so many requests are under way at most.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((given.address, given.port))
        self.socket.setblocking(False)
        self.under_way, self.busy, self.free = {}, set(), collections.deque(range(256))
        self.sent = self.acked = self.refused = self.untrue = self.wrong = self.looked = self.again = 0
        self.next = 0
        self.latencies, self.faults, self.check_times, self.done_at = [], [], [], 0.0

    def fault(self, text):
        if len(self.faults) < 10:
            self.faults.append(text)

    def send(self, number):
        for _ in range(len(self.sessions)):
            session = self.sessions[self.next % len(self.sessions)]
            self.next += 1
            if session["index"] not in self.busy:
                break
        else:
            return False
        if not self.free:
            return False
        is_spoilt = self.given.spoil and number % self.given.spoil == self.given.spoil - 1
        pairs, expected = (spoilt if is_spoilt else good)(number)
        before = self.kernel.state(session["index"]) if is_spoilt else None
        identifier = self.free.popleft()
        body = b"".join(dac.encode(pair) for pair in [f"Acct-Session-Id={session['acct']}", *pairs]) + dac.attribute(55, struct.pack("!I", int(time.time())))
        asked = Asked(session, dac.build(43, identifier, body, self.secret, "good"), expected, before)
        self.under_way[identifier] = asked
        self.busy.add(session["index"])
        asked.sent_at = time.monotonic()
        asked.again_at = asked.sent_at + LATE
        self.socket.send(asked.request)
        self.sent += 1
        return True

    def receive(self):
        try:
            reply = self.socket.recv(4096)
        except (BlockingIOError, ConnectionRefusedError):
            return
        now = time.monotonic()
        asked = self.under_way.get(reply[1])
        if asked is None or not dac.verified(reply, asked.request, self.secret):
            self.wrong += 1
            self.fault("an answer that does not verify")
            return
        self.check(asked, reply)
        self.check_times.append(time.monotonic() - now)
        self.latencies.append(now - asked.sent_at)
        self.done_at = now
        del self.under_way[reply[1]]
        self.free.append(reply[1])
        self.busy.discard(asked.session["index"])

    def check(self, asked, reply):
        index = asked.session["index"]
        if asked.before is None:
            if reply[0] != 44:
                self.wrong += 1
                self.fault(f"{asked.session['device']}: NAK {cause_of(reply)} of a good request")
                return
            self.acked += 1
            link = self.kernel.link(index)
            chains = [self.kernel.chain(direction, link["group"]) if link else None for direction in ("in", "out")]
            for chain, port in zip(chains, asked.expected):
                if not chain or port not in self.kernel.ports(chain):
                    self.untrue += 1
                    self.fault(f"{asked.session['device']}: port {port} is not in {chain}")
            if asked.expected[2] not in self.kernel.rates(index):
                self.untrue += 1
                self.fault(f"{asked.session['device']}: rate {asked.expected[2]} is not among {self.kernel.rates(index)}")
            if self.given.nft and self.acked % self.given.nft == 0:
                self.look(asked, chains)
            return
        if reply[0] != 45 or cause_of(reply) != asked.expected:
            self.wrong += 1
            self.fault(f"{asked.session['device']}: code {reply[0]}, Error-Cause {cause_of(reply)} instead of {asked.expected}")
            return
        self.refused += 1
        after = self.kernel.state(index)
        if after != asked.before:
            self.untrue += 1
            self.fault(f"{asked.session['device']}: {asked.before} became {after}")

    def look(self, asked, chains):
        """The same with programs that are not ours."""
        listed = subprocess.run(["nft", "list", "chain", "inet", self.given.table, chains[0]], capture_output=True, text=True, check=False).stdout
        queues = subprocess.run(["tc", "class", "show", "dev", asked.session["device"]], capture_output=True, text=True, check=False).stdout
        self.looked += 1
        if f"dport {asked.expected[0]} " not in listed or asked.expected[2] * 8 not in bits(queues):
            self.untrue += 1
            self.fault(f"{asked.session['device']}: nft {listed!r}, tc {queues!r}")

    def run(self):
        begin = time.monotonic()
        total = int(self.given.rate * self.given.seconds)
        number = 0
        while number < total or self.under_way:
            now = time.monotonic()
            if number < total and now >= begin + number / self.given.rate and self.send(number):
                number += 1
                # Answers come first: what they say must be true when they come.
                wait = 0.0
            else:
                wait = min(0.05, max(0.0005, begin + number / self.given.rate - now)) if number < total else 0.05
            while select.select([self.socket], [], [], wait)[0]:
                self.receive()
                wait = 0.0
            for asked in [a for a in self.under_way.values() if a.again_at < now]:
                if now > asked.sent_at + 6 * LATE:
                    self.fault(f"{asked.session['device']}: no answer")
                    return begin, total
                self.again += 1
                asked.again_at = now + LATE
                self.socket.send(asked.request)
        return begin, total


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--sessions", required=True)
    options.add_argument("--untouched", type=int, default=0)
    options.add_argument("--table", required=True)
    options.add_argument("--rate", type=float, default=200)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--spoil", type=int, default=10)
    options.add_argument("--nft", type=int, default=0)
    options.add_argument("address")
    options.add_argument("port", type=int)
    options.add_argument("secret")
    given = options.parse_args()
    with open(given.sessions, encoding="utf-8") as file:
        known = json.load(file)
    untouched = {f"load{number}" for number in range(1, given.untouched + 1)}
    sessions = [{"acct": s["acctSessionId"], "device": s["device"], "index": socket.if_nametoindex(s["device"])} for s in known if s.get("device") and s["user"] not in untouched]
    run = Run(given, sessions)
    begin, total = run.run()
    seconds = max(run.done_at - begin, 1e-6)
    answered = run.acked + run.refused
    times, checks = sorted(run.latencies) or [0], sorted(run.check_times) or [0]
    pick = lambda values, share: round(1000 * values[min(len(values) - 1, int(share * len(values)))], 1)
    print(f"sessions={len(sessions)} asked={run.sent} acked={run.acked} refused={run.refused} untrue={run.untrue} wrong={run.wrong} unanswered={total - answered - run.wrong} "
          f"again={run.again} rate={answered / seconds:.1f} p50-ms={pick(times, 0.5)} p99-ms={pick(times, 0.99)} max-ms={pick(times, 1)} check-p50-ms={pick(checks, 0.5)} looked={run.looked}")
    for fault in run.faults:
        print("fault:", fault)
    return 0 if answered == total and not run.untrue and not run.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
