#!/usr/bin/env python3
"""docs/performance.md from the figures that compare.sh measured: performance_table.py NAME.figures..."""
import os
import pathlib
import platform
import sys

NAMES = {"headend": "Headend", "strongswan": "strongSwan (Debian)"}


def read(path):
    figures = {"step": [], "tenfold": None, "iperf": None}
    for text in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        kind, *values = text.split()
        values = [float(v) for v in values]
        if kind == "step":
            figures["step"].append(values)
        else:
            figures[kind] = values
    sustained = [s for s in figures["step"] if s[2] == 0 and s[3] >= 0.95 * s[0]]
    figures["best"] = max(sustained, key=lambda s: s[3]) if sustained else max(figures["step"], key=lambda s: s[3])
    return figures


def cell(value, digits=0):
    return "-" if value is None else f"{value:.{digits}f}"


def main():
    all_figures = {pathlib.Path(p).stem: read(p) for p in sys.argv[1:]}
    order = [n for n in ("headend", "strongswan") if n in all_figures] + [n for n in all_figures if n not in NAMES]
    iperf = {n: all_figures[n]["iperf"] or [None] * 4 for n in order}
    tenfold = {n: all_figures[n]["tenfold"] or [None] * 8 for n in order}
    best = {n: all_figures[n]["best"] for n in order}
    rows = [
        ("best sustained rate, logins/s", [cell(best[n][3]) for n in order]),
        ("gateway CPU per login at that rate, ms", [cell(best[n][4], 2) for n in order]),
        ("resident memory per session, kB", [cell(best[n][5], 1) for n in order]),
        ("login latency at that rate, p50 / p99 ms", [f"{cell(best[n][6])} / {cell(best[n][7])}" for n in order]),
        ("ten times the best rate offered: completed logins/s", [cell(tenfold[n][3]) for n in order]),
        ("... completed / failed", [f"{cell(tenfold[n][1])} / {cell(tenfold[n][2])}" for n in order]),
        ("TCP from the client, Mbit/s", [cell(iperf[n][0]) for n in order]),
        ("... gateway CPU, ms/GB", [cell(iperf[n][1]) for n in order]),
        ("TCP to the client, Mbit/s", [cell(iperf[n][2]) for n in order]),
        ("... gateway CPU, ms/GB", [cell(iperf[n][3]) for n in order]),
    ]
    print("# Performance\n")
    print("Made by `tests/Interop/compare.sh` in one run: the load tool does complete EAP-MSCHAPv2 logins (RSA-2048 certificate, x25519,")
    print("AES-256-CBC with SHA-256) against one gateway after the other beside the same FreeRADIUS; iperf3 then runs through one session.")
    print("Load tool, FreeRADIUS and gateway share the machine. A rate is sustained when every login completes and at least 95 % of the offered")
    print("rate is reached. strongSwan runs with 64 threads, 60 RADIUS sockets, eap-radius and user-space ESP (kernel-libipsec), flood limits off.\n")
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}, {platform.machine()}.\n")
    print("| | " + " | ".join(NAMES.get(n, n) for n in order) + " |")
    print("|---|" + "---:|" * len(order))
    for name, values in rows:
        print(f"| {name} | " + " | ".join(values) + " |")
    print("\nEvery step: offered logins/s, completed, failed, reached logins/s, CPU ms per login, kB per session, p50 and p99 in ms.\n")
    for n in order:
        print(f"{NAMES.get(n, n)}:\n\n```")
        for step in all_figures[n]["step"]:
            print(" ".join(f"{v:9g}" for v in step))
        print("```\n")


if __name__ == "__main__":
    main()
