"""esp_table.py STRONGSWAN.esp HEADEND.esp: the table of tests/Interop/esp_compare.sh.
esp_table.py --into DOCUMENT TABLE: puts the table between the marks of a document, or at its end."""
import os
import sys

BEGIN, END = "<!-- esp_compare -->", "<!-- /esp_compare -->"


def rows(path):
    return {name: (int(rate), int(cost)) for name, rate, cost in (line.split() for line in open(path))}


def title(name):
    kind, number, way = name.split("-")
    what = f"TCP, {number} stream{'s' if number != '1' else ''}" if kind == "tcp" else f"UDP, packets of {number} octets"
    return f"{what}, {'from' if way == 'up' else 'to'} the client"


if sys.argv[1] == "--into":
    text, table = open(sys.argv[2]).read(), f"{BEGIN}\n{open(sys.argv[3]).read()}{END}\n"
    if BEGIN in text:
        text = text[: text.index(BEGIN)] + table + text[text.index(END) + len(END) + 1 :]
    else:
        text += "\n" + table
    open(sys.argv[2], "w").write(text)
    sys.exit()

theirs, ours = rows(sys.argv[1]), rows(sys.argv[2])
print(f"""## ESP

Made by `tests/Interop/esp_compare.sh` in one run on {os.cpu_count()} processors, Linux {os.uname().release}: AES-256-GCM in UDP between a strongSwan client and one gateway after the other,
iperf3 between the client and a host behind the gateway. Mbit/s are those of the receiver; CPU is the gateway's process alone, and Mbit/s per core follow from it
(8,000,000 / ms per GB). The client, the host and iperf3 share the processors, whose load average at the end was {os.getloadavg()[0]:.0f}.

| | Headend Mbit/s | ms/GB | strongSwan Mbit/s | ms/GB | Mbit/s per core, ratio |
|---|---:|---:|---:|---:|---:|""")
for name in ours:
    (rate, cost), (rate2, cost2) = ours[name], theirs.get(name, (0, 0))
    ratio = f"{cost2 / cost:.1f}" if cost and cost2 and rate and rate2 else "-"
    print(f"| {title(name)} | {rate} | {cost} | {rate2} | {cost2} | {ratio} |")
