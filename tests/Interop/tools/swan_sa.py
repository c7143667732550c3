#!/usr/bin/env python3
"""Prints one field of one connection from `swanctl --list-sas --raw` on standard input.

swan_sa.py CONNECTION state|vips|ike-spi|child-spi|remote-ts|local-ts|child-count|nat|remote-host
With several SAs of the name (a rekey under way) the last established one counts. Prints nothing where there is none.
"""
import re
import sys

TOKEN = re.compile(r"([^\s={}\[\]]+)|([={}\[\]])")


def parse(text):
    """`name {k=v k=[a b] sub {..}}` as nested dictionaries; values that hold spaces keep their first word only."""
    tokens = [m[1] or m[2] for m in TOKEN.finditer(text)]
    position = 0

    def section():
        nonlocal position
        found, key = {}, None
        while position < len(tokens):
            token = tokens[position]
            position += 1
            if token == "}":
                return found
            if token == "{":
                name, count = key, 0
                while name in found:
                    count += 1
                    name = f"{key}~{count}"
                found[name] = section()
            elif token == "=":
                if position < len(tokens) and tokens[position] == "[":
                    position += 1
                    values = []
                    while position < len(tokens) and tokens[position] != "]":
                        values.append(tokens[position])
                        position += 1
                    position += 1
                    found[key] = values
                elif position < len(tokens) and tokens[position + 1:position + 2] != ["="]:
                    found[key] = tokens[position]
                    position += 1
                else:
                    found[key] = ""
            else:
                key = token
        return found

    return section()


def main():
    connection, field = sys.argv[1:3]
    chosen = None
    for text in sys.stdin.read().splitlines():
        if not text.startswith("list-sa event"):
            continue
        event = parse(text[len("list-sa event"):].strip().removeprefix("{").removesuffix("}"))
        for name, sa in event.items():
            if name == connection and isinstance(sa, dict):
                if chosen is None or sa.get("state") == "ESTABLISHED":
                    chosen = sa
    if chosen is None:
        return
    children = [c for c in chosen.get("child-sas", {}).values() if c.get("state") in ("INSTALLED", "REKEYED")]
    live = [c for c in children if c.get("state") == "INSTALLED"]
    print({
        "state": chosen.get("state", ""),
        "vips": " ".join(chosen.get("local-vips", [])),
        "ike-spi": chosen.get("initiator-spi", "") + "-" + chosen.get("responder-spi", ""),
        "child-spi": live[-1].get("spi-in", "") if live else "",
        "remote-ts": " ".join(live[-1].get("remote-ts", [])) if live else "",
        "local-ts": " ".join(live[-1].get("local-ts", [])) if live else "",
        "child-count": str(len(children)),
        "nat": chosen.get("nat-local", "no"),
        "remote-host": chosen.get("remote-host", ""),
    }.get(field, ""))


if __name__ == "__main__":
    main()
