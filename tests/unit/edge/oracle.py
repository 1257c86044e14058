#!/usr/bin/env python3
"""Random frames and the key that their packet must get, for oracle.c: built with struct alone, from clients/README.md "The key of a packet".

Nothing here parses: every frame is put together from parts, so what its key is made of is known while it is built. Each line:
link TAB frame in hex TAB profile or fault TAB key in hex or "-". The epoch key is 00 01 .. 1f. Usage: oracle.py SEED COUNT
"""
import hashlib
import hmac
import random
import struct
import sys

EPOCH = bytes(range(32))
HEADERS4 = {1, 6, 17, 33, 132, 136}         # whose first 8 bytes are header
HEADERS6 = {58, 6, 17, 33, 132, 136}

# RFC 6545 section 7.1.1's packet, and SPIE's masking of it, whose MD5 stands in the survey: is it copied rightly?
P = bytes.fromhex("450000522ad90000ff06c41fc0a801020a010102976d0050103e020810d94a1350021000ad670000") + b"Thank you for carefully reading this RFC.\n"
SPIE = P[:1] + b"\0" + P[2:8] + b"\0" + P[9:10] + b"\0\0" + P[12:28]
assert len(P) == 82 and hashlib.md5(SPIE).hexdigest() == "529d45ed15d41ca9189bdfbcee2b4f43"
assert struct.unpack("!10H", P[:20])[5] == 0xc41f and sum(struct.unpack("!10H", P[:20])) % 0xffff == 0


def key(data):
    return hmac.new(EPOCH, data, hashlib.sha256).hexdigest()


def ipv4(r):
    """(packet, profile, input, bytes that must be captured)"""
    options = r.choice([b"", b"", b"\x01" * 4, r.randbytes(4 * r.randint(1, 10))])
    proto = r.choice([1, 6, 17, 33, 132, 136, 47, 50, 4, 58, 2, r.randrange(256)])
    offset = r.choice([0, 0, 0, r.randrange(1, 8192)])
    body = r.randbytes(r.choice([0, 1, 7, 8, 9, 40, 200]))
    size = 20 + len(options) + len(body)
    ident, src, dst = r.randrange(65536), r.randbytes(4), r.randbytes(4)
    packet = struct.pack("!BBHHHBBH4s4s", 0x40 | (5 + len(options) // 4), r.randrange(256), size, ident, r.choice([0, 0x2000, 0x4000, 0x8000]) | offset,
                         r.randrange(256), proto, r.randrange(65536), src, dst) + options + body
    data = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, ident, 0, 0, proto, 0, src, dst)
    if offset == 0 and proto in HEADERS4 and len(body) >= 8:
        return packet, "H28", data + body[:8], 20 + len(options) + 8
    return packet, "H20", data, 20


def chain(r):
    """Extension headers as (number, bytes with a hole for the next number at 0), and what of a fragment follows."""
    made, later = [], False
    for _ in range(r.choice([0, 0, 0, 1, 1, 2, 3, 6])):
        kind = r.choice([0, 43, 60, 44])
        if kind == 44:
            offset = r.choice([0, r.randrange(1, 8192)])
            made.append((44, struct.pack("!BBHI", 0, 0, offset << 3 | r.randrange(8), r.randrange(1 << 32))))
            if offset:
                return made, True
        else:
            units = r.choice([0, 0, 1, 4, 16])
            made.append((kind, bytes([0, units]) + r.randbytes(6 + 8 * units)))
    return made, later


def ipv6(r):
    headers, later = chain(r)
    proto = r.choice([58, 6, 17, 33, 132, 136, 1, 50, 51, 59, 89, r.randrange(256)])
    while proto in (0, 43, 44, 60) and not later:       # else it would be one more extension header
        proto = r.randrange(256)
    body = r.randbytes(r.choice([0, 1, 7, 8, 9, 64]))
    numbers = [n for n, _ in headers] + [proto]
    parts = [bytes([after]) + data[1:] for (_, data), after in zip(headers, numbers[1:])]
    payload = b"".join(parts) + body
    src, dst = r.randbytes(16), r.randbytes(16)
    head = struct.pack("!IHBB16s16s", 6 << 28 | r.randrange(1 << 28), len(payload), numbers[0], r.randrange(256), src, dst)
    end, seen = 40, numbers[0]
    for at, part in enumerate(parts):
        if end + len(part) > 40 + 128:                  # followed for 128 bytes
            return head + payload, "H40", same6(payload, seen, src, dst), reach(parts[:at] + [part] * (end + 8 <= 168))
        end, seen = end + len(part), numbers[at + 1]
    if not later and seen in HEADERS6 and len(body) >= 8:
        return head + payload, "H48", same6(payload, seen, src, dst) + body[:8], end + 8
    return head + payload, "H40", same6(payload, seen, src, dst), reach(parts)


def reach(parts):
    """What must be captured of a chain: the first 8 bytes of every header in it."""
    at, need = 40, 40
    for part in parts:
        need, at = at + 8, at + len(part)
    return need


def same6(payload, proto, src, dst):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), proto, 0, src, dst)


def tags(r):
    return b"".join(struct.pack("!HH", r.choice([0x8100, 0x88a8, 0x9100, 0x9200]), r.randrange(65536)) for _ in range(r.choice([0, 0, 1, 2, 3])))


def wrap(r, version):
    """(link number, bytes before the packet)"""
    ether = b"\x08\x00" if version == 4 else b"\x86\xdd"
    ppp = b"\x00\x21" if version == 4 else b"\x00\x57"
    family = {4: [2], 6: [10, 24, 28, 30]}[version]
    pppoe = struct.pack("!BBHH", 0x11, 0, r.randrange(65536), r.randrange(65536)) + ppp
    mpls = b"".join(r.randbytes(2) + bytes([r.randrange(128) * 2]) + r.randbytes(1) for _ in range(r.randrange(3))) + r.randbytes(2) + bytes([r.randrange(128) * 2 + 1]) + b"\x40"
    return r.choice([
        (1, r.randbytes(12) + tags(r) + ether),
        (1, r.randbytes(12) + tags(r) + b"\x88\x64" + pppoe),
        (1, r.randbytes(12) + tags(r) + r.choice([b"\x88\x47", b"\x88\x48"]) + mpls),
        (113, r.randbytes(14) + ether),
        (276, ether + r.randbytes(18)),
        (276, b"\x81\x00" + r.randbytes(18) + r.randbytes(2) + ether),
        (r.choice([12, 14, 101]), b""),
        (228 if version == 4 else 229, b""),
        (0, struct.pack(r.choice("<>") + "I", r.choice(family))),
        (108, struct.pack(">I", r.choice(family))),
        (r.choice([9, 50]), r.choice([b"", b"\xff\x03"]) + r.choice([ppp, ppp[1:]])),
        (166, bytes([r.randrange(2)]) + b"\xff\x03" + ppp),
        (51, pppoe),
        (104, b"\x0f\x00" + ether),
    ])


def one(r):
    version = r.choice([4, 6])
    packet, profile, data, need = (ipv4 if version == 4 else ipv6)(r)
    link, before = wrap(r, version)
    frame = before + packet + r.randbytes(r.choice([0, 0, 18]))     # links pad
    cut = r.choice([None, None, r.randrange(len(frame) + 1)])
    if cut is not None:
        frame = frame[:cut]
        if cut < len(before) + need:
            return link, frame, "short", "-"
    return link, frame, profile, key(data)


def main():
    r = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        link, frame, what, digest = one(r)
        print(link, frame.hex(), what, digest, sep="\t")


main()
