"""return_table.py FIGURES COUNT RATE: the table of tests/Interop/return_compare.sh.
return_table.py --into DOCUMENT TABLE: puts the table between the marks of a document, or at its end."""
import os
import statistics
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

# (certificate, way) -> name -> figures, one of each round.
ways = {}
for line in open(sys.argv[1]):
    certificate, way, name, done, failed, _, cpu, radius, p50, p99 = line.split()
    ways.setdefault((certificate, way), {}).setdefault(name, []).append((int(done), int(failed), float(cpu), float(cpu) + float(radius), float(p50), float(p99)))
rounds = max(len(figures) for names in ways.values() for figures in names.values())


def share(name, figures, logins, column):
    """Median, smallest and largest share of the logins of the same round; nothing for the logins."""
    shares = [one[column] / login[column] for one, login in zip(figures, logins)]
    spread = f" ({min(shares):.2f} to {max(shares):.2f})" if len(shares) > 1 else ""
    return "" if name == "first-login" else f"{statistics.median(shares):.2f}{spread}"


how = (
    "It was one round."
    if rounds == 1
    else f"Each row is the median of {rounds} rounds (every figure for itself), with the smallest and the largest share; p99 is the worst round's."
)
print(f"""## Coming back

Made by `tests/Interop/return_compare.sh` in one run on {os.cpu_count()} processors, Linux {os.uname().release}: {sys.argv[2]} clients log in by EAP-MSCHAPv2 over FreeRADIUS at {sys.argv[3]} a second, then all
lose their IKE SAs without a word and come back at the same rate: at once, as from another network, so that the gateway takes the live session over; and once more when it has found
them silent. AES-256-CBC with SHA-256, x25519, an interface for each session, accounting; the sessions "with policy" get an access list and rates from AAA. CPU is user and system time for each login or return, of the gateway's process alone and with that of the RADIUS
server, whom only logins ask; a share is that of the login of the same clients. {how} The gateway has {os.cpu_count() // 2} of the processors for itself; load tool and FreeRADIUS have the others. A resumption has neither
Diffie-Hellman nor signature; a reconnect has both, as FlexVPN's protocol wants, so that the signature and x25519 are most of what it costs beyond a resumption.

| certificate | | done / failed | CPU, ms | share of the login | with RADIUS server, ms | share of the login | p50 / p99, ms |
|---|---|---:|---:|---:|---:|---:|---:|""")
for (certificate, way), names in ways.items():
    logins = names["first-login"]
    for name, figures in sorted(names.items(), key=lambda n: n[0] != "first-login"):
        done, failed, cpu, whole, p50, p99 = zip(*figures)
        what = f"{'RSA-2048' if 'rsa' in certificate else 'ECDSA P-256'}{', with policy' if 'policy' in certificate else ''}"
        print(f"| {what} | {NAMES[name]} | {sum(done)} / {sum(failed)} | {statistics.median(cpu):.2f} | {share(name, figures, logins, 2)} | {statistics.median(whole):.2f} | {share(name, figures, logins, 3)} | {statistics.median(p50):.1f} / {max(p99):.1f} |")
