#!/usr/bin/env python3
"""Prints a field of a user's session from `headend show crypto session --json` on standard input: json_field.py USER FIELD[.FIELD]"""
import json
import sys


def main():
    user, field = sys.argv[1:3]
    found = [s for s in json.load(sys.stdin) if s.get("user") == user]
    if not found:
        return
    value = found[-1]
    for name in field.split("."):
        if isinstance(value, list):
            value = value[int(name)] if name.isdigit() and int(name) < len(value) else None
        else:
            value = (value or {}).get(name)
    print("" if value is None else " ".join(map(str, value)) if isinstance(value, list) else value)


if __name__ == "__main__":
    main()
