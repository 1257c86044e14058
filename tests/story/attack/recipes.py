"""Cases 21 to 40: a valid signed report, spoiled in one way just before it is signed or sent (signatures and times must be fresh).

The report is made here from proto/README.md sections 4 and 5. `RECIPES` maps a name `NNN-what.CODE` to a function of a `Report`; it
changes items, payload or header before signing, or returns the bytes of the body to send instead of the right ones.
"""
import hashlib
import importlib
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

from nacl import bindings

PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto"


def load_messages():
    with tempfile.TemporaryDirectory(prefix="isac-pb-") as folder:
        subprocess.run(["protoc", f"--python_out={folder}", f"--proto_path={PROTO}", "isac1.proto"], check=True)
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("isac1_pb2")
        finally:
            sys.path.remove(folder)


pb = load_messages()


def h(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return h(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def pae(kind, hub_id, body):
    parts = [kind.encode(), hub_id.encode(), body]
    return b"isac1 " + b" ".join(b"%d %s" % (len(p), p) for p in parts)


def varint(n):
    out = b""
    while n > 0x7F:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def item(value=b"198.51.100.7", kind=1, more=b""):
    """An Item with an Indicator; value and more are bytes, so that they need not be text."""
    return field(1, b"\x08" + varint(kind) + field(2, value) + more)


class Report:
    def __init__(self, member, hub_id, seed):
        self.member, self.hub_id = member, hub_id
        self.public, self.secret = bindings.crypto_sign_seed_keypair(seed)
        self.secret_bytes = os.urandom(32)
        self.items = [item()]
        self.payload = None                             # instead of the packed one
        self.header = pb.Header(report_id=os.urandom(16), created_us=time.time_ns() // 1000, kind=1, tlp=2,
                                key_id=hashlib.sha256(b"\x01" + self.public).digest()[:8])

    def body(self):
        leaves = []
        for i, data in enumerate(self.items):
            salt = hashlib.blake2b(b"isac1 salt" + struct.pack(">I", i), digest_size=16, key=self.secret_bytes).digest()
            leaves.append(h(b"\x00" + salt + data))
        self.header.item_count = len(self.items)
        self.header.items_root = root(leaves) if leaves else bytes(32)
        header = self.header.SerializeToString()
        signature = bindings.crypto_sign(pae("report", self.hub_id, header), self.secret)[:64]
        payload = self.payload
        if payload is None:
            payload = field(1, self.secret_bytes) + b"".join(field(2, i) for i in self.items)
        return field(1, self.member.encode()) + field(2, header) + field(3, signature) + field(4, payload)


def appended(data):
    return lambda report: report.body() + data


def with_items(*items):
    def spoil(report):
        report.items = list(items)
    return spoil


def with_payload(data):
    def spoil(report):
        report.payload = data
    return spoil


def text(data):
    return with_items(item(more=field(11, data)))       # in the description


def nested(depth):
    data = b""
    for _ in range(depth):
        data = field(1, data)
    return data


RECIPES = {
    "000-as-it-should-be.200": lambda report: None,
    "021-empty-body.400": lambda report: b"",
    "022-truncated-varint.400": appended(b"\x0a\x80"),
    "022-truncated-body.400": lambda report: report.body()[:-1],
    "023-varint-of-11-bytes.400": appended(b"\x0a" + b"\xff" * 10 + b"\x01"),
    "024-length-of-4-gib.400": appended(b"\x22" + varint(1 << 32)),
    "025-field-number-0.400": appended(b"\x02\x00"),
    "026-group.400": appended(b"\x0b\x0c"),
    "027-tag-not-minimal.400": lambda report: b"\x8a\x00" + report.body()[1:],
    "028-scalar-twice.400": lambda report: report.body() + field(1, report.member.encode()),
    "029-unknown-field.400": appended(field(15, b"")),
    "030-100000-empty-items.413": with_payload(field(1, bytes(32)) + b"\x12\x00" * 100000),
    "031-100000-unknown-fields.413": appended(b"\x7a\x00" * 100000),
    "032-nesting-of-10000.400": with_items(nested(10000)),
    "033-not-utf8.422": text(b"\xc3\x28"),
    "034-overlong-utf8.422": text(b"\xc0\x80"),
    "034-surrogate.422": text(b"\xed\xa0\x80"),
    "035-nul-in-value.422": with_items(item(b"198.51.100.7\0.example")),
    "035-nul-in-text.422": text(b"a\0b"),
    "036-bidi-override.422": text("a\u202eb".encode()),
    "036-zero-width.422": text("a\u200bb".encode()),
    "037-escape-sequence.422": text(b"\x1b[2J"),
    "037-c1-control.422": text("a\u009bb".encode()),
    "038-1001-items.413": with_items(*[item(b"198.51.%d.%d" % (100 + i // 256, i % 256)) for i in range(1001)]),
    "039-no-items.422": with_items(),
    "040-same-item-1000-times.422": with_items(*[item()] * 1000),
}


def cook(name, member, hub_id, seed):
    """(expected code, body to send)"""
    report = Report(member, hub_id, seed)
    spoiled = RECIPES[name](report)
    return int(name.rsplit(".", 1)[1]), report.body() if spoiled is None else spoiled
