#!/usr/bin/python3
"""Writes proto/vectors/*.txt: test vectors of the wire, made from proto/README.md and isac1.proto alone.

It shares no code with the hub: its own protobuf writer, hashlib's BLAKE2b and PyNaCl's Ed25519. Everything is
derived from fixed seeds, so a second run writes the same bytes. Usage: make_vectors.py [FOLDER]
"""
import hashlib
import os
import sys

import nacl.bindings as sodium
from nacl.signing import SigningKey

from wire_bytes import (audit_path, H, header, hub_name, indicator, key_id, L, leaf, multiproof, num, opt, pae, payload, public, raw, root,
                        salt, seed, sighting, sign, split, text, u16, u32, u64, varint, withdrawal)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "proto", "vectors")
NOW_US = 1_790_000_000_000_000  # the hub's clock in report.txt


# ---- files -----------------------------------------------------------------------------------------------------------
class File:
    def __init__(self, name, about):
        self.lines = ["# Made by tests/data/make_vectors.py from proto/README.md; format there, section 15.", "# " + about, ""]
        self.path = os.path.join(OUT, name)

    def case(self, name, **fields):
        self.lines.append("case = " + name)
        for key, value in fields.items():
            for v in value if isinstance(value, list) else [value]:
                self.lines.append("%s = %s" % (key, v.hex() if isinstance(v, bytes) else v))
        self.lines.append("")

    def write(self):
        with open(self.path, "w", encoding="ascii") as out:
            out.write("\n".join(line.rstrip() for line in self.lines))


HUB = SigningKey(seed("hub receipt key"))
HUB_ID = hub_name(public(HUB))
ALICE = SigningKey(seed("alice sign key"))
MALLORY = SigningKey(seed("mallory sign key"))
SECRET = seed("payload secret")
ORIGINAL = bytes.fromhex("01999ab0c0de70008000000000000001")  # of the report that others are about
REPORT_ID = bytes.fromhex("01999ab0c0de7000800000000000000a")


def plain_items(n): return [indicator(1, "93.184.%d.%d" % (i // 256, i % 256), confidence_plus1=1 + i % 100) for i in range(n)]


def write_sign():
    f = File("sign.txt", "Pre-authentication encodings, signatures, key ids.")
    bodies = [b"", b"a", bytes(range(256)), seed("long body", 1000), b"12 receipt 0  0 "]
    for kind in ("report", "command", "receipt", "member"):
        for i, body in enumerate(bodies):
            key = SigningKey(seed("signer %s %d" % (kind, i)))
            hub = "" if kind == "member" else HUB_ID
            f.case("%s %d bytes" % (kind, len(body)), type=kind, hub_id=hub, seed=bytes(key), public=public(key), body=body,
                   pae=pae(kind, hub, body), signature=sign(key, kind, hub, body), key_id=key_id(public(key)),
                   hub_of_public=hub_name(public(key)))
    f.write()
    f = File("sign_refused.txt", "Signatures that MUST NOT verify.")
    body, pub = b"the body", public(ALICE)
    good = sign(ALICE, "report", HUB_ID, body)
    more_s = good[:32] + (int.from_bytes(good[32:], "little") + L).to_bytes(32, "little")
    flipped = bytearray(good)
    flipped[5] ^= 1
    def refuse(name, kind="report", hub=HUB_ID, body=body, pub=pub, sig=good):
        f.case(name, type=kind, hub_id=hub, public=pub, body=body, signature=sig)
    refuse("of another type", kind="command")
    refuse("of another hub", hub="0123456789abcdef")
    refuse("of a member text, without hub", hub="")
    refuse("body with one byte more", body=body + b"\0")
    refuse("empty body", body=b"")
    refuse("one bit flipped", sig=bytes(flipped))
    refuse("S + L", sig=more_s)
    refuse("all zero signature", sig=bytes(64))
    refuse("all zero key", pub=bytes(32))
    refuse("key of small order", pub=b"\x01" + bytes(31), sig=b"\x01" + bytes(63))
    refuse("another's key", pub=public(MALLORY))
    refuse("over the body alone", sig=ALICE.sign(body).signature)
    f.write()


def member_bundle(name, key, curve, version="1"):
    lines = "isac-member %s\nname %s\ncurve_public %s\nsign_public %s\n" % (version, name, curve.hex(), public(key).hex())
    return lines, lines + "signature %s\n" % sign(key, "member", "", lines.encode()).hex()


def write_bundles():
    f = File("bundle.txt", "Member and hub bundles.")
    curve = seed("curve public")
    lines, good = member_bundle("alice", ALICE, curve)
    def member(name, value, code): f.case(name, kind="member", text=value.encode("latin-1"), code=code)
    member("alice", good, 200)
    member("longest name", member_bundle("a" * 64, ALICE, curve)[1], 200)
    member("name of 65", member_bundle("a" * 65, ALICE, curve)[1], 400)
    for bad in ("Alice", ".alice", "-alice", "ali/ce", "alice'"):
        member("name %s" % bad, member_bundle(bad, ALICE, curve)[1], 422)
    member("empty name", member_bundle("", ALICE, curve)[1], 400)
    member("version 2", member_bundle("alice", ALICE, curve, "2")[1], 400)
    member("another's signature", lines + "signature %s\n" % sign(MALLORY, "member", "", lines.encode()).hex(), 401)
    member("name changed", good.replace("alice", "mally"), 401)
    member("curve key changed", good.replace(curve.hex(), seed("other").hex()), 401)
    member("hub's signature type", lines + "signature %s\n" % sign(ALICE, "report", "", lines.encode()).hex(), 401)
    member("no newline at the end", good[:-1], 400)
    member("bytes behind the end", good + "x", 400)
    member("CR LF", good.replace("\n", "\r\n"), 400)
    member("no signature", lines, 400)
    member("short key", good.replace("sign_public ", "sign_public  "), 400)
    member("lines swapped", "\n".join([good.split("\n")[i] for i in (0, 2, 1, 3, 4)]) + "\n", 400)
    member("empty", "", 400)
    hub = "isac-hub 1\nhub_id %s\naddress %s\ncurve_public %s\nreceipt_public %s\nadmin_public %s\n"
    args = [HUB_ID, "tcp://hub.example.org:7400", curve.hex(), public(HUB).hex(), public(ALICE).hex()]
    def hubs(name, code, text=None, **change):
        values = [change.get(k, a) for k, a in zip(("hub_id", "address", "curve", "receipt", "admin"), args)]
        f.case(name, kind="hub", text=(text or hub % tuple(values)).encode(), code=code)
    hubs("hub", 200)
    hubs("hub at an IPv6 address", 200, address="tcp://[2a00:1450::5]:7400")
    hubs("hub_id of another key", 401, hub_id="0123456789abcdef")
    hubs("receipt key changed", 401, receipt=public(MALLORY).hex())
    hubs("address without port", 422, address="tcp://hub.example.org")
    hubs("address over ipc", 422, address="ipc:///tmp/x:1")
    hubs("port 0", 200, address="tcp://hub.example.org:0")
    hubs("port 65536", 422, address="tcp://hub.example.org:65536")
    hubs("a member bundle", 400, text=good)
    hubs("key of 31 bytes", 400, curve=curve.hex()[2:])
    f.write()


def write_trees():
    f = File("salt.txt", "Salts of a payload secret.")
    for i in (0, 1, 2, 255, 256, 999, 65536, 2**32 - 1):
        f.case("index %d" % i, secret=SECRET, index=i, salt=salt(SECRET, i))
    f.case("zero secret", secret=bytes(32), index=0, salt=salt(bytes(32), 0))
    f.write()
    f = File("tree.txt", "Salts, leaves and roots over the bytes of items.")
    for n in list(range(1, 9)) + [100]:
        items = plain_items(n)
        if n == 2:
            items = [b"", seed("long item", 5000)]  # any bytes hash, and some items are long
        leaves = [leaf(SECRET, i, item) for i, item in enumerate(items)]
        f.case("%d items" % n, secret=SECRET, item=items, salt=[salt(SECRET, i) for i in range(n)], leaf=leaves, root=root(leaves))
    f.write()

    f = File("multiproof.txt", "Multiproofs for several sets of disclosed leaves; leaf i is H(\"leaf i\"), i in decimal.")
    bad = File("multiproof_refused.txt", "Multiproofs that MUST be refused.")
    for n in (1, 2, 3, 5, 8, 13, 100, 1000):
        leaves = [H(b"leaf %d" % i) for i in range(n)]
        sets = {"none": [], "all": range(n), "first": [0], "last": [n - 1], "middle": [n // 2], "ends": sorted({0, n - 1}),
                "every third": range(0, n, 3), "left half": range(split(n) if n > 1 else 1),
                "right part": range(split(n) if n > 1 else 0, n), "second": [1] if n > 1 else [0]}
        for name, shown in sets.items():
            if n == 1000 and name not in ("first", "last", "middle", "every third"):
                continue
            f.case("%d, %s" % (n, name), n=n, root=root(leaves), shown=list(shown), proof=multiproof(leaves, set(shown)))
    leaves = [H(b"leaf %d" % i) for i in range(13)]
    def refuse(name, shown, proof, n=13, hashes=None):
        bad.case(name, n=n, root=root(leaves), shown=shown, shown_leaf=hashes if hashes is not None else [leaves[i] for i in shown], proof=proof)
    p = multiproof(leaves, {2, 7})
    refuse("hash missing", [2, 7], p[:-1])
    refuse("hash left over", [2, 7], p + [p[0]])
    refuse("no proof", [2, 7], [])
    refuse("hashes swapped", [2, 7], [p[1], p[0]] + p[2:])
    refuse("unsorted", [7, 2], p)
    refuse("twice", [2, 2, 7], p)
    refuse("out of range", [2, 13], p, hashes=[leaves[2], leaves[7]])
    refuse("index 2^32 - 1", [2, 2**32 - 1], p, hashes=[leaves[2], leaves[7]])
    refuse("another leaf", [2, 7], p, hashes=[leaves[2], leaves[8]])
    refuse("another place", [3, 7], p, hashes=[leaves[2], leaves[7]])
    refuse("one leaf said to be hidden", [2], p, hashes=[leaves[2]])
    refuse("another count", [2, 12], multiproof(leaves, {2, 12}), n=14)
    refuse("count 0", [], [root(leaves)], n=0)
    refuse("none shown, wrong root", [], [leaves[0]])
    refuse("none shown, two hashes", [], [root(leaves), root(leaves)])
    refuse("all shown and a hash", list(range(13)), [leaves[0]])
    f.write()
    bad.write()


def receipt_body(i, seq):
    return raw(1, seed("report id %d" % i, 16)) + raw(2, H(b"header %d" % i)) + num(3, seq) + num(4, seq - 1) + num(5, NOW_US + i)


def receipt(body, report_id, index, size, path, sig, code=200):
    return (num(1, code) + opt(2, report_id) + opt(3, body) + num(4, index) + num(5, size) +
            b"".join(raw(6, h) for h in path) + opt(7, sig))


def write_receipts():
    f = File("receipt.txt", "Batches of receipts under one signature.")
    for n in (1, 2, 3, 6, 7, 33):
        bodies = [receipt_body(i, 5000 + i) for i in range(n)]
        leaves = [H(b"\x00" + b) for b in bodies]
        sig = sign(HUB, "receipt", HUB_ID, root(leaves) + u32(n))
        whole = [receipt(b, seed("report id %d" % i, 16), i, n, audit_path(leaves, i), sig) for i, b in enumerate(bodies)]
        f.case("batch of %d" % n, hub_id=HUB_ID, public=public(HUB), receipt=whole, root=root(leaves), signature=sig)
    f.write()
    bad = File("receipt_refused.txt", "Receipts that prove nothing.")
    n, i = 7, 4
    bodies = [receipt_body(k, 5000 + k) for k in range(n)]
    leaves = [H(b"\x00" + b) for b in bodies]
    r, path, ident = root(leaves), audit_path(leaves, i), seed("report id %d" % i, 16)
    sig = sign(HUB, "receipt", HUB_ID, r + u32(n))
    def refuse(name, body=bodies[i], ident=ident, index=i, size=n, path=path, sig=sig, hub=HUB_ID, code=200):
        bad.case(name, hub_id=hub, public=public(HUB), receipt=receipt(body, ident, index, size, path, sig, code))
    refuse("another index", index=5)
    refuse("index = size", index=7)
    refuse("another size", size=8)
    refuse("size 0", size=0)
    refuse("another size, index within", size=6)
    refuse("path too short", path=path[:-1])
    refuse("path too long", path=path + [path[0]])
    refuse("path empty", path=[])
    refuse("path of 33 hashes", path=[path[0]] * 33)
    refuse("hash of 31 bytes", path=[path[0][:31]] + path[1:])
    refuse("another body", body=bodies[3])
    refuse("no body", body=b"")
    refuse("no signature", sig=b"")
    refuse("signature of 63 bytes", sig=sig[:63])
    refuse("another hub", hub="0123456789abcdef")
    refuse("a member's signature", sig=sign(ALICE, "receipt", HUB_ID, r + u32(n)))
    refuse("signature without size", sig=sign(HUB, "receipt", HUB_ID, r))
    refuse("signature of type report", sig=sign(HUB, "report", HUB_ID, r + u32(n)))
    refuse("another report id", ident=seed("report id 5", 16))
    def lone(name, body, ident=ident):
        s = sign(HUB, "receipt", HUB_ID, H(b"\x00" + body) + u32(1))
        bad.case(name, hub_id=HUB_ID, public=public(HUB), receipt=receipt(body, ident, 0, 1, [], s))
    lone("log_index is seq", raw(1, ident) + raw(2, H(b"x")) + num(3, 9) + num(4, 9) + num(5, NOW_US))
    lone("seq 0", raw(1, ident) + raw(2, H(b"x")) + num(5, NOW_US))
    lone("header hash of 31 bytes", raw(1, ident) + raw(2, H(b"x")[:31]) + num(3, 9) + num(4, 8) + num(5, NOW_US))
    bad.write()


def write_feed_hash():
    f = File("feed_hash.txt", "Running hashes of feed sessions.")
    def run(name, steps):
        h, lines, hashes = bytes(32), [], []
        for s in steps:
            if s[0] == "gap":
                h = H(h + b"gap" + u64(s[1]) + u64(s[2]))
                lines.append("gap %d %d" % s[1:])
            else:
                h = H(h + u64(s[1]) + H(s[2]) + u32(len(s[3])) + b"".join(u32(i) for i in s[3]))
                lines.append("entry %d %s %s" % (s[1], s[2].hex(), ",".join(str(i) for i in s[3])))
            hashes.append(h)
        f.case(name, step=lines, hash=hashes)
    run("one entry", [("entry", 1, b"header", [0])])
    run("entries", [("entry", 1, b"header 1", [0, 1, 2]), ("entry", 7, b"header 7", [999]), ("entry", 2**40, b"header", list(range(300)))])
    run("a leading gap", [("gap", 1, 500), ("entry", 501, b"header", [4])])
    run("gaps only", [("gap", 1, 1), ("gap", 2, 2**63)])
    f.write()


# ---- frames ----------------------------------------------------------------------------------------------------------
def head(kind, request=7, flags=0, magic=b"ISC1"): return magic + u16(kind) + u16(flags) + u64(request)


def make_submit(n=3, items=None, secret=SECRET, member="alice", key=ALICE, named_key=None, hub=HUB_ID, count=None, items_root=None,
                change_header=None, sig=None, pay=None, kind_of="report", **h):
    items = plain_items(n) if items is None else items
    leaves = [leaf(secret, i, item) for i, item in enumerate(items)]
    fields = dict(report_id=REPORT_ID, key_id=key_id(public(named_key or key)), created_us=NOW_US - 5_000_000, kind=1, tlp=3,
                  item_count=len(items) if count is None else count, items_root=items_root or (root(leaves) if leaves else bytes(32)))
    fields.update(h)
    head_bytes = header(**fields)
    if change_header:
        head_bytes = change_header(head_bytes)
    signature = sign(key, kind_of, hub, head_bytes) if sig is None else sig
    return text(1, member) + opt(2, head_bytes) + opt(3, signature) + opt(4, payload(secret, items) if pay is None else pay)


SUBMIT, QUERY, CONTROL, STATUS, DIRECTORY, PREVIEW, WHO, WHY, SUBSCRIBE, CREDIT, UNSUBSCRIBE = 1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13
LOOKUP, RELATED, VERSIONS, STATISTICS = 9, 10, 11, 12


def write_accepted():
    f = File("frame_accepted.txt", "Frames that pass sections 2 and 3.")
    def ok(name, kind, body, **h): f.case(name, head=head(kind, **h), body=body, code=200)
    ok("submit of 1", SUBMIT, make_submit(1))
    ok("submit of 1000", SUBMIT, make_submit(1000))
    ok("query", QUERY, text(1, "type = ipv4") + num(5, 100))
    ok("query with every field", QUERY, text(1, "true") + num(2, 1) + num(3, 2**62) + num(4, 2**64 - 1) + num(5, 2**32 - 1) + raw(6, b"\0\xff") + num(7, 1) + num(8, 1))
    ok("fields in another order", QUERY, num(5, 10) + text(1, "true"))
    ok("defaults written out", QUERY, raw(1, b"") + b"\x28\x00" + b"\x40\x00")
    ok("negative int64", QUERY, num(2, -1))
    ok("bytes hold anything", QUERY, raw(6, bytes(range(256))))
    ok("four-byte UTF-8", QUERY, text(1, 'tag = "\U0001f4a9"'))
    ok("last code point", QUERY, text(1, "\U0010ffff"))
    ok("control", CONTROL, raw(1, b"x") + raw(2, bytes(64)) + raw(3, bytes(8)))
    ok("status without a body", STATUS, b"")
    ok("directory without a body", DIRECTORY, b"")
    ok("directory", DIRECTORY, raw(1, bytes(8)) + raw(1, bytes(8)) + raw(2, b"alice"))
    ok("preview", PREVIEW, text(1, "true") + num(2, 1) + num(3, 2**62) + num(4, 100) + raw(5, b"\0\xff"))
    ok("who", WHO, raw(1, bytes(range(16))) + text(2, "alice") + raw(3, bytes(24)))
    ok("why", WHY, raw(1, bytes(range(16))) + text(2, "alice") + text(3, "soc") + num(4, 1000))
    ok("lookup", LOOKUP, raw(1, bytes(16)) + raw(1, bytes(range(16))) + num(2, 7))
    ok("related", RELATED, num(1, 1) + text(2, "198.51.100.7") + num(3, 100) + num(4, 7))
    ok("versions", VERSIONS, raw(1, bytes(range(16))) + text(2, "alice") + num(3, 7))
    ok("statistics", STATISTICS, num(1, 7) + num(2, 1) + num(3, 2**62) + text(4, "alice") + num(5, 7))
    ok("subscribe", SUBSCRIBE, text(1, "soc") + num(3, 1) + num(5, 1048576))
    ok("credit", CREDIT, num(1, 1) + num(2, 65536) + num(3, 12))
    ok("unsubscribe", UNSUBSCRIBE, num(1, 1) + num(2, 1))
    ok("request id of all ones", STATUS, b"", request=2**64 - 1)
    f.write()


def write_refused():
    f = File("frame_refused.txt", "Frames that sections 2 and 3 refuse, and the code.")
    def no(name, code, kind, body, h=None, **more): f.case(name, head=head(kind) if h is None else h, body=body, code=code, **more)
    good = make_submit(1)
    query = text(1, "true")
    no("empty head", 400, QUERY, query, b"")
    no("head of 15 bytes", 400, QUERY, query, head(QUERY)[:15])
    no("head of 17 bytes", 400, QUERY, query, head(QUERY) + b"\0")
    no("magic of version 2", 400, QUERY, query, head(QUERY, magic=b"ISC2"))
    no("magic in lower case", 400, QUERY, query, head(QUERY, magic=b"isc1"))
    no("flags 1", 400, QUERY, query, head(QUERY, flags=1))
    no("type 0", 400, 0, query)
    no("unknown type", 400, 0x7777, query)
    for name, kind in (("submit", SUBMIT), ("query", QUERY), ("control", CONTROL), ("preview", PREVIEW), ("who", WHO), ("why", WHY), ("lookup", LOOKUP), ("related", RELATED), ("versions", VERSIONS),
                       ("statistics", STATISTICS), ("subscribe", SUBSCRIBE), ("credit", CREDIT), ("unsubscribe", UNSUBSCRIBE)):
        no("%s without a body" % name, 400, kind, b"")
    no("status with a field", 400, STATUS, num(1, 1))
    no("unknown field", 400, QUERY, query + num(9, 1))
    no("unknown field of bytes", 400, SUBMIT, good + raw(5, b"x"))
    no("unknown field of a preview", 400, PREVIEW, query + num(6, 1))
    no("cursor twice", 400, WHO, raw(1, bytes(16)) + raw(3, b"x") + raw(3, b"x"))
    no("a name that is no text", 422, WHY, raw(1, bytes(16)) + raw(3, b"\xff"))
    no("a value that is no text", 422, RELATED, num(1, 1) + raw(2, b"\xff"))
    no("unknown field of statistics", 400, STATISTICS, num(1, 1) + num(6, 1))
    no("report_id twice", 400, VERSIONS, raw(1, bytes(16)) + raw(1, bytes(16)))
    no("field number 0", 400, QUERY, b"\x00\x01")
    no("field number 0, bytes", 400, QUERY, b"\x02\x00")
    no("group", 400, QUERY, b"\x0b\x0c")
    no("end of group", 400, QUERY, b"\x0c")
    no("wire type 6", 400, QUERY, b"\x0e\x00")
    no("wire type 7", 400, QUERY, b"\x0f\x00")
    no("wrong wire type, varint for string", 400, QUERY, b"\x08\x01")
    no("wrong wire type, bytes for number", 400, QUERY, raw(5, b"\x01"))
    no("wrong wire type, fixed32 for uint32", 400, QUERY, b"\x2d\x01\0\0\0")
    no("wrong wire type, fixed64 for int64", 400, QUERY, b"\x11" + bytes(8))
    no("truncated tag", 400, QUERY, b"\x80")
    no("truncated varint", 400, QUERY, b"\x28\x80")
    no("tag without a value", 400, QUERY, query + b"\x28")
    no("truncated length", 400, QUERY, b"\x0a\x80")
    no("length one too many", 400, QUERY, b"\x0a\x05true")
    no("length of 4 GiB", 400, QUERY, b"\x0a\x80\x80\x80\x80\x10true")
    no("length of 2^64 - 1", 400, QUERY, b"\x0a" + varint(2**64 - 1) + b"true")
    no("length without bytes", 400, QUERY, b"\x0a\x01")
    no("truncated fixed32, unknown", 400, QUERY, query + b"\x4d\0\0\0")
    no("truncated fixed64, unknown", 400, QUERY, query + b"\x49" + bytes(7))
    no("non-minimal tag", 400, QUERY, b"\x8a\x00\x04true")
    no("non-minimal length", 400, QUERY, b"\x0a\x84\x00true")
    no("non-minimal value", 400, QUERY, b"\x28\x81\x00")
    no("non-minimal zero", 400, QUERY, b"\x28\x80\x00")
    no("varint of 10 bytes above 64 bits", 400, QUERY, b"\x20" + b"\xff" * 9 + b"\x02")
    no("varint of 11 bytes", 400, QUERY, b"\x20" + b"\xff" * 10 + b"\x01")
    no("tag above 32 bits", 400, QUERY, varint((1 << 32) | 0x28) + b"\x01")
    no("uint32 of 2^32", 400, QUERY, num(5, 2**32))
    no("uint32 negative", 400, QUERY, num(5, -1))
    no("bool of 2", 400, QUERY, num(8, 2))
    no("duplicate number", 400, QUERY, num(5, 1) + num(5, 1))
    no("duplicate string", 400, QUERY, query + query)
    no("duplicate bytes", 400, SUBMIT, good + raw(3, bytes(64)))
    no("duplicate default", 400, QUERY, num(5, 1) + b"\x28\x00")
    no("duplicate bool", 400, UNSUBSCRIBE, num(2, 1) + num(2, 1))
    no("invalid UTF-8", 422, QUERY, raw(1, b"\xc3\x28"))
    no("overlong UTF-8", 422, QUERY, raw(1, b"\xc0\x80"))
    no("overlong UTF-8 of three bytes", 422, QUERY, raw(1, b"\xe0\x80\xaf"))
    no("overlong UTF-8 of four bytes", 422, QUERY, raw(1, b"\xf0\x80\x80\xaf"))
    no("surrogate", 422, QUERY, raw(1, b"\xed\xa0\x80"))
    no("above U+10FFFF", 422, QUERY, raw(1, b"\xf4\x90\x80\x80"))
    no("lone continuation", 422, QUERY, raw(1, b"true\x80"))
    no("cut UTF-8", 422, QUERY, raw(1, b"true\xe2\x82"))
    no("byte FF", 422, QUERY, raw(1, b"\xff"))
    no("NUL in a string", 422, QUERY, raw(1, b"tr\0ue"))
    no("NUL at the end of a long string", 422, QUERY, raw(1, b"a" * 31 + b"\0"))
    no("NUL in a repeated string", 422, DIRECTORY, raw(2, b"alice") + raw(2, b"b\0b"))
    no("invalid UTF-8 in member", 422, SUBMIT, raw(1, b"al\xffce") + good[7:])
    no("100,001 unknown fields", 413, QUERY, b"\x48\x01", times=100001)
    no("1,000 unknown fields", 400, QUERY, b"\x48\x01", times=1000)
    no("100,001 strings", 413, DIRECTORY, b"\x12\x00", times=100001)
    f.write()

    f = File("head.txt", "Head frames.")
    for name, kind, request in (("submit", 1, 1), ("error", 0xff, 2**64 - 1), ("unknown type", 0x1234, 0x0102030405060708)):
        f.case(name, head=head(kind, request), type=kind, request_id=request, sub=0, prev_seq=0, last_seq=0)
    f.case("delivery", head=head(0x92, 0) + u32(0x01020304) + u64(2**40) + u64(2**40 + 17), type=0x92, request_id=0, sub=0x01020304,
           prev_seq=2**40, last_seq=2**40 + 17)
    f.write()


def write_reports_about(case):
    """What members say of reports that are there; step 9, which asks the store, is not judged here."""
    good = "93.184.0.1"
    def seen(items=None, **h): return make_submit(items=items or [sighting(1, good)], **{**dict(kind=2, about=ORIGINAL, about_publisher="bob"), **h})
    def gone(items=None, **h): return make_submit(items=items or [withdrawal(1, good)], **{**dict(kind=3, about=ORIGINAL, about_publisher="alice"), **h})
    def after(items=None, **h): return make_submit(items=items or [indicator(1, good), withdrawal(1, "93.184.0.2")], **{**dict(supersedes=ORIGINAL), **h})
    for verdict in (1, 2, 3):
        case("sighting, verdict %d" % verdict, 8, 200, seen([sighting(1, good, verdict)]))
    case("sighting that says all", 8, 200, seen([sighting(1, good, count=4294967295, first_seen_us=1, last_seen_us=NOW_US, description="in the mail log")]))
    case("sightings of three values", 8, 200, seen([sighting(1, good), sighting(4, "evil.example.org", 2), sighting(5, "https://evil.example.org/", 3)]))
    case("sighting of one's own report", 8, 200, seen(about_publisher="alice"))
    case("sighting of a value that is refused by now", 8, 200, seen([sighting(1, "10.0.0.1")]))
    case("sighting of a public resolver", 8, 200, seen([sighting(1, "8.8.8.8")]))
    case("sighting, verdict 0", 8, 422, seen([sighting(1, good, 0)]))
    case("sighting, verdict 4", 8, 422, seen([sighting(1, good, 4)]))
    case("sighting, last before first", 8, 422, seen([sighting(1, good, first_seen_us=5, last_seen_us=4)]))
    case("sighting before 1970", 8, 422, seen([sighting(1, good, first_seen_us=-1)]))
    case("sighting in 10000", 8, 422, seen([sighting(1, good, last_seen_us=253402300800_000_000)]))
    case("sighting, description of 1024 bytes", 8, 200, seen([sighting(1, good, description="d" * 1024)]))
    case("sighting, description of 1025 bytes", 8, 422, seen([sighting(1, good, description="d" * 1025)]))
    case("sighting, bidi override in the description", 8, 422, seen([sighting(1, good, description="a\u202eb")]))
    case("sighting of no value", 8, 422, seen([sighting(1, "")]))
    case("sighting of type 0", 8, 422, seen([sighting(0, good)]))
    case("sighting of a type that no one knows", 8, 422, seen([sighting(200, good)]))
    case("sighting, newline in the value", 8, 422, seen([sighting(4, "evil.example.org\n")]))
    case("sighting of a value twice, in two spellings", 8, 422, seen([sighting(4, "evil.example.org"), sighting(4, "EVIL.example.org.")]))
    case("sighting with an unknown field", 8, 400, seen([raw(2, num(1, 1) + text(2, good) + num(3, 1) + num(9, 1))]))
    case("sighting about nothing", 5, 422, seen(about=b""))
    case("sighting about an id of 15 bytes", 5, 422, seen(about=ORIGINAL[:15]))
    case("sighting about nobody's report", 5, 422, seen(about_publisher=""))
    case("sighting about what is no name's", 5, 422, seen(about_publisher="Bob"))
    case("sighting with a group", 5, 422, seen(groups=["banks"]))
    case("sighting with a recipient", 5, 422, seen(recipients=["bob"]))
    case("sighting that replaces a report", 5, 422, seen(supersedes=ORIGINAL))
    case("sighting without a label", 5, 422, seen(tlp=0))
    case("an indicator among sightings", 8, 422, seen([sighting(1, good), indicator(1, "93.184.0.2")]))
    case("a withdrawal among sightings", 8, 422, seen([sighting(1, good), withdrawal(1, "93.184.0.2")]))
    case("withdrawal", 8, 200, gone())
    case("withdrawal that says why", 8, 200, gone([withdrawal(1, good, "shared hosting")]))
    case("withdrawal of a value that is refused by now", 8, 200, gone([withdrawal(4, "co.uk")]))
    case("withdrawal of another's report", 5, 403, gone(about_publisher="bob"))
    case("withdrawal about nothing", 5, 422, gone(about=b""))
    case("withdrawal of a value twice", 8, 422, gone([withdrawal(1, good), withdrawal(1, good, "again")]))
    case("withdrawal, escape in the description", 8, 422, gone([withdrawal(1, good, "\x1b[2J")]))
    case("withdrawal with an unknown field", 8, 400, gone([raw(3, num(1, 1) + text(2, good) + num(4, 1))]))
    case("a sighting among withdrawals", 8, 422, gone([withdrawal(1, good), sighting(1, "93.184.0.2")]))
    case("successor", 8, 200, after())
    case("successor that withdraws all", 8, 200, after([withdrawal(1, good)]))
    case("successor with a public resolver", 8, 202, after([indicator(1, "8.8.8.8"), withdrawal(1, good)]))
    case("successor that withdraws what it says", 8, 422, after([indicator(1, good), withdrawal(1, good)]))
    case("a sighting in a successor", 8, 422, after([indicator(1, good), sighting(1, "93.184.0.2")]))
    case("a withdrawal in a report that replaces nothing", 8, 422, after(supersedes=b""))
    case("indicators about a report", 5, 422, make_submit(about=ORIGINAL, about_publisher="alice"))
    case("indicators about a publisher", 5, 422, make_submit(about_publisher="alice"))


def write_reports():
    f = File("report.txt", "Whole SUBMIT bodies against a hub whose clock stands at now_us.")
    def case(name, step, code, body): f.case(name, hub_id=HUB_ID, public=public(ALICE), now_us=NOW_US, code=code, step=step, submit=body)
    full = make_submit
    case("three addresses", 8, 200, full())
    case("one address", 8, 200, full(1))
    case("1000 addresses", 8, 200, full(1000))
    case("amber+strict", 8, 200, full(tlp=4))
    case("created 300 s ahead", 8, 200, full(created_us=NOW_US + 300_000_000))
    case("created 7 days ago", 8, 200, full(created_us=NOW_US - 7 * 86400_000_000))
    case("texts of other languages", 8, 200, full(items=[indicator(4, "evil.example.org", tags=["Schadsoftware \u00fc", "\u60aa\u610f"], description="' ; DROP TABLE r; --")]))
    case("header with an unknown field", 3, 400, full(change_header=lambda b: b + num(15, 1)))
    case("header with a field twice", 3, 400, full(change_header=lambda b: b + num(8, 3)))
    case("no header", 3, 400, full(change_header=lambda b: b"", sig=sign(ALICE, "report", HUB_ID, b"")))
    case("header that is no message, and no signature", 3, 400, full(change_header=lambda b: b"\xff", sig=b""))
    case("no signature", 3, 401, full(sig=b""))
    case("signature of 63 bytes", 3, 400, full(sig=bytes(63)))
    case("signature of 65 bytes", 3, 400, full(sig=bytes(65)))
    case("signature of zeros", 3, 401, full(sig=bytes(64)))
    case("signature of type command", 3, 401, full(kind_of="command"))
    case("signature for another hub", 3, 401, full(hub="0123456789abcdef"))
    case("signature by another's key", 3, 401, full(key=MALLORY, named_key=ALICE))
    case("key id of 7 bytes", 3, 401, full(key_id=key_id(public(ALICE))[:7]))
    case("report id of 15 bytes", 4, 422, full(report_id=REPORT_ID[:15]))
    case("report id of 17 bytes", 4, 422, full(report_id=REPORT_ID + b"x"))
    case("report id of zeros", 4, 422, full(report_id=bytes(16)))
    case("no report id", 4, 422, full(report_id=b""))
    case("created 301 s ahead", 4, 425, full(created_us=NOW_US + 301_000_000))
    case("created 8 days ago", 4, 422, full(created_us=NOW_US - 8 * 86400_000_000))
    case("created in 1970", 4, 422, full(created_us=1))
    case("created before 1970", 4, 422, full(created_us=-1))
    case("created in 9999", 4, 422, full(created_us=253370764800_000_000))
    case("kind 0", 5, 422, full(kind=0))
    case("kind that no one knows", 5, 422, full(kind=77))
    case("no label", 5, 422, full(tlp=0))
    case("label 6", 5, 422, full(tlp=6))
    case("red for no one", 5, 422, full(tlp=5))
    case("red in clear", 5, 422, full(tlp=5, recipients=["bob"]))
    case("red with a hash of 31 bytes", 5, 422, full(tlp=5, recipients=["bob"], change_header=lambda b: b + raw(14, bytes(31))))
    case("green and sealed", 5, 422, full(tlp=2, change_header=lambda b: b + raw(14, bytes(32))))
    case("red, sealed to another payload", 7, 401, full(tlp=5, recipients=["bob"], change_header=lambda b: b + raw(14, bytes(32))))
    case("red for the publisher", 5, 422, full(tlp=5, recipients=["alice"]))
    case("amber with recipients", 5, 422, full(tlp=3, recipients=["bob"]))
    case("no payload", 7, 400, full(pay=b""))
    case("payload that is no message", 7, 400, full(pay=b"\xff\xff"))
    case("payload with an unknown field", 7, 400, full(pay=payload(SECRET, plain_items(3)) + num(3, 1)))
    case("no items", 7, 422, full(n=0))
    case("1001 items", 7, 413, full(n=1001))
    case("count one too many", 7, 422, full(count=4))
    case("count one too few", 7, 422, full(count=2))
    case("count 0", 7, 422, full(count=0))
    case("root of other items", 7, 401, full(pay=payload(SECRET, plain_items(4)[1:])))
    case("root of another secret", 7, 401, full(pay=payload(seed("other"), plain_items(3))))
    case("items in another order", 7, 401, full(pay=payload(SECRET, plain_items(3)[::-1])))
    case("secret of 31 bytes", 7, 422, full(pay=payload(SECRET[:31], plain_items(3))))
    case("item that is no message", 8, 400, full(items=[b"\xff"]))
    case("empty item", 8, 400, full(items=[plain_items(1)[0], b""]))
    case("item of an unknown kind", 8, 400, full(items=[raw(9, b"")]))
    case("indicator with an unknown field", 8, 400, full(items=[raw(1, num(1, 1) + text(2, "93.184.0.1") + num(99, 1))]))
    case("indicator with two values", 8, 400, full(items=[raw(1, num(1, 1) + text(2, "93.184.0.1") + text(2, "93.184.0.2"))]))
    case("item with two bodies", 8, 400, full(items=[plain_items(1)[0] * 2]))
    case("NUL in a value", 8, 422, full(items=[indicator(14, "a\0b")]))
    case("bidi override in a description", 8, 422, full(items=[indicator(1, "93.184.0.1", description="a\u202eb")]))
    case("zero-width space in a tag", 8, 422, full(items=[indicator(1, "93.184.0.1", tags=["a\u200bb"])]))
    case("escape in raw", 8, 422, full(items=[indicator(1, "93.184.0.1", raw="\x1b[2J")]))
    case("same indicator twice", 8, 422, full(items=[plain_items(1)[0], plain_items(1)[0]]))
    case("same indicator in two spellings", 8, 422, full(items=[indicator(4, "evil.example.org"), indicator(4, "EVIL.example.org.")]))
    case("confidence 101", 8, 422, full(items=[indicator(1, "93.184.0.1", confidence_plus1=102)]))
    case("last seen before first seen", 8, 422, full(items=[indicator(1, "93.184.0.1", first_seen_us=5, last_seen_us=4)]))
    case("type 0", 8, 422, full(items=[indicator(0, "93.184.0.1")]))
    case("private address", 8, 422, full(items=[indicator(1, "10.0.0.1")]))
    case("public resolver", 8, 202, full(items=[indicator(1, "8.8.8.8")]))
    write_reports_about(case)
    f.write()


def entry(items, shown, secret=SECRET, sig=None, head_bytes=None, proof=None, salts=None, index=None, tell=None, key=ALICE, **h):
    leaves = [leaf(secret, i, item) for i, item in enumerate(items)]
    fields = dict(report_id=REPORT_ID, key_id=key_id(public(ALICE)), created_us=NOW_US, kind=1, tlp=3, item_count=len(items),
                  items_root=root(leaves))
    fields.update(h)
    head_bytes = header(**fields) if head_bytes is None else head_bytes
    sig = sign(key, "report", HUB_ID, head_bytes) if sig is None else sig
    out = num(1, 77) + num(2, NOW_US) + text(3, "alice") + raw(4, head_bytes) + opt(5, sig)
    for k, i in enumerate(shown):
        out += raw(6, num(1, i if index is None else index[k]) + opt(2, salt(secret, i) if salts is None else salts[k]) + raw(3, items[i]))
    return out + b"".join(raw(7, p) for p in (multiproof(leaves, set(shown)) if proof is None else proof)) + opt(10, tell or b"")


def whole(items, shown=None, tell=SECRET, salts=None, index=None, **k):
    """An entry with the report's secret: no salts, no indexes."""
    shown = range(len(items)) if shown is None else shown
    return entry(items, shown, tell=tell, salts=salts or [b""] * len(shown), index=index or [0] * len(shown), **k)


def write_entries():
    f = File("entry.txt", "Entries as a subscriber verifies them.")
    items = plain_items(10)
    leaves = [leaf(SECRET, i, item) for i, item in enumerate(items)]
    def case(name, code, body, index=()): f.case(name, hub_id=HUB_ID, public=public(ALICE), entry=body, code=code, index=list(index))
    case("all", 200, entry(items, range(10)), range(10))
    case("none", 200, entry(items, []))
    case("first", 200, entry(items, [0]), [0])
    case("last", 200, entry(items, [9]), [9])
    case("some", 200, entry(items, [1, 2, 7]), [1, 2, 7])
    case("only one there is", 200, entry(items[:1], [0]), [0])
    case("whole", 200, whole(items), range(10))
    case("whole, one item", 200, whole(items[:1]), [0])
    case("whole, seven items", 200, whole(items[:7]), range(7))
    case("whole, 300 items", 200, whole(plain_items(300)), range(300))
    case("whole, secret first", 200, raw(10, SECRET) + whole(items, tell=b""), range(10))
    case("whole, an empty secret", 401, whole(items, tell=b"") + raw(10, b""))
    case("whole, secret of another", 401, whole(items, tell=seed("another secret")))
    case("whole, secret of 31 bytes", 401, whole(items, tell=SECRET[:31]))
    case("whole, secret of 33 bytes", 401, whole(items, tell=SECRET + b"\0"))
    case("whole, no secret", 401, whole(items, tell=b""))
    case("whole, items swapped", 401, whole(items, [1, 0, *range(2, 10)]))
    case("whole, an item changed", 401, whole(items).replace(b"93.184.0.7", b"93.184.0.8"))
    case("whole, the last item missing", 401, whole(items, range(9)))
    case("whole, the last item missing, no proof", 401, whole(items, range(9), proof=[]))
    case("whole, an item twice", 401, whole(items, [*range(10), 9], proof=[]))
    case("whole, no items", 401, whole(items, []))
    case("whole, a hash left over", 401, whole(items, proof=[bytes(32)]))
    case("whole, with all salts", 401, whole(items, salts=[salt(SECRET, i) for i in range(10)]))
    case("whole, with one salt", 401, whole(items, salts=[b""] * 9 + [salt(SECRET, 9)]))
    case("whole, with indexes", 401, whole(items, index=range(10)))
    case("whole, with one index", 401, whole(items, index=[0] * 9 + [9]))
    case("all as a part, and the secret", 401, entry(items, range(10), tell=SECRET))
    case("a part, and the secret", 401, entry(items, [1, 2, 7], tell=SECRET))
    case("unknown field in the header", 200, entry(items, [3], head_bytes=header(report_id=REPORT_ID, key_id=key_id(public(ALICE)), created_us=NOW_US,
         kind=1, tlp=3, item_count=10, items_root=root(leaves)) + raw(60, b"later")), [3])
    case("item of a later kind", 200, entry([raw(8, b"later"), items[1]], [0, 1]), [0, 1])
    case("another's signature", 401, entry(items, [1], key=MALLORY))
    case("no signature", 401, entry(items, [1], sig=b""))
    case("signature of 65 bytes", 401, entry(items, [1], sig=bytes(65)))
    case("hash missing", 401, entry(items, [1, 2], proof=multiproof(leaves, {1, 2})[1:]))
    case("hash left over", 401, entry(items, [1, 2], proof=multiproof(leaves, {1, 2}) + [bytes(32)]))
    case("hash of 31 bytes", 401, entry(items, [1], proof=[h[:31] for h in multiproof(leaves, {1})]))
    case("items swapped", 401, entry(items, [1, 2], index=[2, 1]))
    case("index of another", 401, entry(items, [1], index=[0]))
    case("index out of range", 401, entry(items, [9], index=[10]))
    case("salt of another", 401, entry(items, [1], salts=[salt(SECRET, 2)]))
    case("salt of 15 bytes", 401, entry(items, [1], salts=[salt(SECRET, 1)[:15]]))
    case("no salt", 401, entry(items, [1], salts=[b""]))
    case("item_count 0", 401, entry(items, [], item_count=0))
    case("item_count 1001", 401, entry(items, [], item_count=1001))
    case("item_count 11", 401, entry(items, [9], item_count=11))
    case("root of 31 bytes", 401, entry(items, [1], items_root=root(leaves)[:31]))
    case("no root", 401, entry(items, [1], items_root=b""))
    case("signed bytes that are no header", 400, entry(items, [1], head_bytes=b"\xff\xff\xff"))
    f.write()


# ---- README section 5, sealed reports ----
def sealed_box(key, curve_public, ephemeral):
    """libsodium's sealed box with an ephemeral key of our choice, so that a second run writes the same bytes."""
    one_time = sodium.crypto_scalarmult_base(ephemeral)
    nonce = hashlib.blake2b(one_time + curve_public, digest_size=24).digest()
    return one_time + sodium.crypto_box(key, nonce, curve_public, ephemeral)


def sealed_payload(clear, readers, key=seed("body key"), bound=None):
    bound = b"isac1 sealed" + REPORT_ID + key_id(public(ALICE)) if bound is None else bound
    body = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(clear, bound, bytes(24), key)
    keys = [text(1, name) + raw(2, sealed_box(key, sodium.crypto_scalarmult_base(secret), seed("ephemeral " + name))) for name, secret in readers]
    return raw(1, body) + b"".join(raw(2, k) for k in keys)


def write_sealed():
    f = File("sealed.txt", "Sealed payloads, as the hub judges them and as their readers open them.")
    items, curve = plain_items(3), {name: seed("curve " + name) for name in ("alice", "bob", "carol", "dave")}
    clear = payload(SECRET, items)
    to = lambda *names: [(name, curve[name]) for name in names]
    good = sealed_payload(clear, to("bob", "carol", "alice"))

    def case(name, hub_code, member, code, data=good, recipients=("bob", "carol"), secret=None, commit=None, count=3, about=None):
        head_bytes = header(report_id=REPORT_ID, key_id=key_id(public(ALICE)), created_us=NOW_US, kind=3 if about else 1, tlp=5, recipients=list(recipients),
                            item_count=count, items_root=root([leaf(SECRET, i, item) for i, item in enumerate(items)]))
        head_bytes += (raw(12, about) + text(13, "alice") if about else b"") + raw(14, commit or H(data))
        f.case(name, publisher="alice", header=head_bytes, sealed=data, hub_code=hub_code, member=member, curve_secret=secret or curve[member], code=code,
               **({"payload": clear} if code == 200 else {}))
    case("for bob", 200, "bob", 200)
    case("for carol", 200, "carol", 200)
    case("for its publisher", 200, "alice", 200)
    case("for somebody else", 200, "dave", 404)
    case("for bob, who has another key", 200, "bob", 401, secret=curve["dave"])
    case("recipients in another order", 200, "bob", 200, recipients=("carol", "bob"))
    case("a recipient named twice", 200, "bob", 200, recipients=("bob", "carol", "bob"))
    case("its publisher cannot read it", 200, "alice", 404, sealed_payload(clear, to("bob", "carol")))
    case("its publisher is a recipient", 200, "alice", 200, sealed_payload(clear, to("bob", "alice")), ("bob", "alice"))
    case("a recipient without a key", 422, "bob", 200, sealed_payload(clear, to("bob")))
    case("a key for one who is not named", 422, "bob", 200, sealed_payload(clear, to("bob", "carol", "dave")))
    case("two keys for bob", 422, "bob", 200, sealed_payload(clear, to("bob", "bob", "carol")))
    case("two keys for its publisher", 422, "bob", 200, sealed_payload(clear, to("bob", "carol", "alice", "alice")))
    case("no keys", 422, "bob", 404, sealed_payload(clear, []))
    case("a key of 79 bytes", 422, "bob", 401, raw(1, bytes(40)) + raw(2, text(1, "bob") + raw(2, bytes(79))), ("bob",))
    case("an empty body", 422, "bob", 401, sealed_payload(b"", to("bob")), ("bob",))
    case("no body", 422, "bob", 401, raw(2, text(1, "bob") + raw(2, bytes(80))), ("bob",))
    case("a body for another report", 200, "bob", 401, sealed_payload(clear, to("bob"), bound=b"isac1 sealed" + bytes(16) + key_id(public(ALICE))), ("bob",))
    case("a body of another publisher", 200, "bob", 401, sealed_payload(clear, to("bob"), bound=b"isac1 sealed" + REPORT_ID + bytes(8)), ("bob",))
    case("another payload than the header commits to", 401, "bob", 401, commit=H(b"x"))
    case("no hash of this length", 401, "bob", 401, commit=H(good)[:31])
    case("an unknown field", 400, "bob", 200, good + num(3, 1))
    case("no message", 400, "bob", 400, b"\xff\xff")
    about = lambda name, hub_code, code, data: case("about another report: " + name, hub_code, "bob", code, data, (), about=bytes(range(16)))
    about("whose readers its header does not name", 200, 200, good)
    about("no keys", 422, 404, sealed_payload(clear, []))
    about("two keys for bob", 422, 200, sealed_payload(clear, to("bob", "carol", "bob")))
    about("a key for what is no name", 422, 200, sealed_payload(clear, [*to("bob"), ("Carol", curve["carol"])]))
    about("a key of 79 bytes", 422, 401, raw(1, bytes(40)) + raw(2, text(1, "bob") + raw(2, bytes(79))))
    about("an empty body", 422, 401, sealed_payload(b"", to("bob")))
    f.write()


def main():
    os.makedirs(OUT, exist_ok=True)
    for write in (write_sign, write_bundles, write_trees, write_receipts, write_feed_hash, write_accepted, write_refused, write_reports, write_entries, write_sealed):
        write()


main()
