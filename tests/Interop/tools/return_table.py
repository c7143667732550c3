"""return_table.py FIGURES COUNT RATE: the table of tests/Interop/return_compare.sh.
return_table.py --into DOCUMENT TABLE: puts the table between the marks of a document, or at its end."""
import os
import sys

BEGIN, END = "<!-- return_compare -->", "<!-- /return_compare -->"
NAMES = {
    "first-login": "EAP login",
    "reconnect": "reconnect from another network",
    "asleep-reconnect": "reconnect after sleep",
    "ticket": "ticket from another network",
    "asleep-ticket": "ticket after sleep",
}

if sys.argv[1] == "--into":
    text, table = open(sys.argv[2]).read(), f"{BEGIN}\n{open(sys.argv[3]).read()}{END}\n"
    if BEGIN in text:
        text = text[: text.index(BEGIN)] + table + text[text.index(END) + len(END) + 1 :]
    else:
        text += "\n" + table
    open(sys.argv[2], "w").write(text)
    sys.exit()

waves = {}
for line in open(sys.argv[1]):
    certificate, way, name, done, failed, _, cpu, p50, p99 = line.split()
    waves.setdefault((certificate, way), {}).setdefault(name, []).append((int(done), int(failed), float(cpu), float(p50), float(p99)))

print(f"""## Coming back

Made by `tests/Interop/return_compare.sh` in one run on {os.cpu_count()} processors, Linux {os.uname().release}: {sys.argv[2]} clients log in by EAP-MSCHAPv2 over FreeRADIUS at {sys.argv[3]} a second, then all
lose their IKE SAs without a word and come back at the same rate: at once, as from another network, so that the gateway takes the live session over; and once more when it has found
them silent. AES-256-CBC with SHA-256, x25519, an interface for each session, accounting; the sessions "with policy" get an access list and rates from AAA. CPU is the gateway's process alone, user and system time, for each login or return; a share is that of the
login of the same clients. Load tool, FreeRADIUS and gateway share the machine. A resumption has neither Diffie-Hellman nor signature; a reconnect has both, as FlexVPN's protocol wants, so that the
signature (0.2 ms of RSA) and x25519 are most of what it costs beyond a resumption.

| certificate | | done / failed | CPU, ms | share of the login | p50 / p99, ms |
|---|---|---:|---:|---:|---:|""")
for (certificate, way), names in waves.items():
    login = names["first-login"][0][2]
    for name, figures in sorted(names.items(), key=lambda n: n[0] != "first-login"):
        for done, failed, cpu, p50, p99 in figures:
            share = "" if name == "first-login" else f"{cpu / login:.2f}"
            print(f"| {'RSA-2048' if 'rsa' in certificate else 'ECDSA P-256'}{', with policy' if 'policy' in certificate else ''} | {NAMES[name]} | {done} / {failed} | {cpu:.2f} | {share} | {p50:.1f} / {p99:.1f} |")
