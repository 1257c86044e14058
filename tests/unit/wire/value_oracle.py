#!/usr/bin/env python3
"""Random address texts and what Python's ipaddress makes of them, for value_oracle.c.

Each line: type TAB verdict (ok, held, refuse) TAB canonical type TAB canonical form TAB text in hex. The rules on special-use and held
values are written here a second time, from proto/README.md section 8, over ipaddress's own networks. Usage: value_oracle.py SEED COUNT
"""
import ipaddress
import random
import re
import sys

SPECIAL = [ipaddress.ip_network(n) for n in """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16
    198.18.0.0/15 224.0.0.0/4 240.0.0.0/4 ::/128 ::1/128 ::ffff:0:0/96 fe80::/10 fc00::/7 ff00::/8 2001:db8::/32""".split()]
HELD = [ipaddress.ip_address(a) for a in """
    1.0.0.1 1.1.1.1 8.8.4.4 8.8.8.8 9.9.9.9 149.112.112.112 208.67.220.220 208.67.222.222 2001:4860:4860::8888 2001:4860:4860::8844
    2606:4700:4700::1111 2606:4700:4700::1001 2620:fe::fe""".split()]
REFUSED = ("refuse", "-", "-")


def special(net):
    return any(net.version == s.version and net.overlaps(s) for s in SPECIAL)


def name(version):
    return "ipv%d" % version


def judge_single(kind, text):
    if "%" in text or "/" in text or not text.isascii():
        return REFUSED
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return REFUSED
    if name(address.version) != kind:
        return REFUSED
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    if special(ipaddress.ip_network(address)):
        return REFUSED
    return "held" if address in HELD else "ok", name(address.version), str(address)


def judge_network(text):
    if "%" in text or not re.fullmatch(r"[0-9A-Fa-f:.]+/(0|[1-9][0-9]{0,2})", text):
        return REFUSED
    try:
        net = ipaddress.ip_network(text, strict=True)
    except ValueError:
        return REFUSED
    mapped = net.version == 6 and net.network_address.ipv4_mapped
    if mapped:
        if net.prefixlen < 96:
            return REFUSED
        net = ipaddress.ip_network("%s/%d" % (mapped, net.prefixlen - 96))
    if special(net):
        return REFUSED
    wide = net.prefixlen < (16 if net.version == 4 else 32)
    held = wide or any(a.version == net.version and a in net for a in HELD)
    return "held" if held else "ok", "cidr", str(net)


def number(rng):
    return rng.choice([0, 1, 8, 9, 10, 127, 128, 169, 172, 192, 198, 224, 255, rng.randrange(256), rng.randrange(256)])


def text_v4(rng):
    if rng.random() < 0.05:
        return str(rng.choice([a for a in HELD if a.version == 4]))
    if rng.random() < 0.3:
        net = rng.choice([n for n in SPECIAL if n.version == 4])
        return str(ipaddress.ip_address((int(net.network_address) + rng.choice([-1, 0, net.num_addresses - 1, net.num_addresses])) % 2**32))
    return ".".join(str(number(rng)) for _ in range(4))


def text_v6(rng):
    if rng.random() < 0.05:
        return str(rng.choice([a for a in HELD if a.version == 6]))
    if rng.random() < 0.15:
        net = rng.choice([n for n in SPECIAL if n.version == 6])
        value = (int(net.network_address) + rng.choice([-1, 0, net.num_addresses - 1, net.num_addresses])) % 2**128
        return rng.choice([str, lambda a: a.exploded])(ipaddress.IPv6Address(value))
    if rng.random() < 0.1:
        return rng.choice(["::ffff:", "::FFFF:", "0:0:0:0:0:ffff:", "::", "64:ff9b::"]) + text_v4(rng)
    groups = [rng.choice(["0", "0", "0", "1", "%x" % rng.randrange(65536), "%04X" % rng.randrange(65536)]) for _ in range(8)]
    if rng.random() < 0.5:
        groups[0] = rng.choice(["2001", "2400", "2a02", "fe80", "2620"])
    if rng.random() < 0.6:
        start = rng.randrange(8)
        end = rng.randrange(start, 9)
        return ":".join(groups[:start]) + "::" + ":".join(groups[end:])
    return ":".join(groups)


def mutate(rng, text):
    for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2])):
        at = rng.randrange(len(text) + 1)
        text = rng.choice([
            lambda: text[:at] + text[at + 1:],
            lambda: text[:at] + rng.choice("0123456789abcdefFx.:/% -+\t") + text[at:],
            lambda: text[:at] + rng.choice("0019af.:/") + text[at + 1:],
            lambda: text[:at] + text[:at],
        ])()
    return text


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        kind = rng.choice(["ipv4", "ipv6", "cidr"])
        if kind == "cidr":
            text = rng.choice([text_v4, text_v6])(rng)
            bits = rng.choice([0, 1, 7, 8, 15, 16, 24, 31, 32, 33, 48, 64, 96, 120, 128, 129, rng.randrange(33), rng.randrange(129)])
            if rng.random() < 0.7:
                try:
                    text = str(ipaddress.ip_network("%s/%d" % (text, bits), strict=False))
                except ValueError:
                    text = "%s/%d" % (text, bits)
            else:
                text = "%s/%d" % (text, bits)
        else:
            text = (text_v4 if kind == "ipv4" else text_v6)(rng)
        text = mutate(rng, text)
        if not text:
            continue
        verdict, want, canon = judge_network(text) if kind == "cidr" else judge_single(kind, text)
        print(kind, verdict, want, canon, text.encode().hex(), sep="\t")


if __name__ == "__main__":
    main()
