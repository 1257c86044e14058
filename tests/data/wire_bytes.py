"""What make_vectors.py makes its vectors of: hashes, trees and signatures as README sections 4 to 7 have them, and a protobuf writer."""
import hashlib
import struct

L = 2**252 + 27742317777372353535851937790883648493  # order of Ed25519's group


# ---- README sections 4 to 7 ---------------------------------------------------------------------------------------
def u16(v): return struct.pack(">H", v)
def u32(v): return struct.pack(">I", v)
def u64(v): return struct.pack(">Q", v)
def H(data): return hashlib.blake2b(data, digest_size=32).digest()
def seed(label, size=32): return hashlib.shake_256(b"isac vectors " + label.encode()).digest(size)


def pae(kind, hub_id, body):
    kind, hub_id = kind.encode(), hub_id.encode()
    return b" ".join([b"isac1", b"%d" % len(kind), kind, b"%d" % len(hub_id), hub_id, b"%d" % len(body), body])


def sign(key, kind, hub_id, body): return key.sign(pae(kind, hub_id, body)).signature
def public(key): return bytes(key.verify_key)
def key_id(pub): return hashlib.sha256(b"\x01" + pub).digest()[:8]
def hub_name(pub): return hashlib.sha256(pub).hexdigest()[:16]
def salt(secret, i): return hashlib.blake2b(b"isac1 salt" + u32(i), digest_size=16, key=secret).digest()
def leaf(secret, i, item): return H(b"\x00" + salt(secret, i) + item)
def node(left, right): return H(b"\x01" + left + right)


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def multiproof(leaves, shown, first=0):
    if not any(first <= i < first + len(leaves) for i in shown):
        return [root(leaves)]
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return multiproof(leaves[:k], shown, first) + multiproof(leaves[k:], shown, first + k)


def audit_path(leaves, m):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return audit_path(leaves[:k], m) + [root(leaves[k:])]
    return audit_path(leaves[k:], m - k) + [root(leaves[:k])]


# ---- protobuf, as its public description has it ----------------------------------------------------------------------
def varint(v):
    v &= 2**64 - 1
    out = b""
    while v > 0x7f:
        out += bytes([v & 0x7f | 0x80])
        v >>= 7
    return out + bytes([v])


def tag(field, wire): return varint(field << 3 | wire)
def num(field, v): return tag(field, 0) + varint(v) if v else b""
def raw(field, data): return tag(field, 2) + varint(len(data)) + data
def opt(field, data): return raw(field, data) if data else b""
def text(field, value): return opt(field, value.encode())


def indicator(kind, value, **extra):
    out = num(1, kind) + text(2, value) + text(3, extra.get("raw", "")) + num(4, extra.get("confidence_plus1", 0))
    out += num(6, extra.get("first_seen_us", 0)) + num(7, extra.get("last_seen_us", 0))
    out += b"".join(raw(10, t.encode()) for t in extra.get("tags", ())) + text(11, extra.get("description", ""))
    return raw(1, out)


def sighting(kind, value, verdict=1, **extra):
    out = num(1, kind) + text(2, value) + num(3, verdict) + num(4, extra.get("count", 0)) + num(5, extra.get("first_seen_us", 0))
    return raw(2, out + num(6, extra.get("last_seen_us", 0)) + text(7, extra.get("description", "")))


def withdrawal(kind, value, description=""): return raw(3, num(1, kind) + text(2, value) + text(3, description))


def header(**h):
    out = opt(1, h["report_id"]) + opt(2, h["key_id"]) + num(3, h["created_us"]) + num(4, h["kind"]) + num(5, h["tlp"])
    out += b"".join(raw(6, g.encode()) for g in h.get("groups", ()))
    out += b"".join(raw(7, g.encode()) for g in h.get("recipients", ()))
    return out + num(8, h["item_count"]) + opt(9, h["items_root"]) + opt(10, h.get("supersedes", b"")) + text(11, h.get("policy", "")) \
        + opt(12, h.get("about", b"")) + text(13, h.get("about_publisher", ""))


def payload(secret, items): return opt(1, secret) + b"".join(raw(2, i) for i in items)
