"""Every vector of proto/vectors, judged by an implementation that knows the specification only."""
import pathlib
import struct
import types

import nacl.bindings
import pytest

from isac1 import bundle, feed, frame, merkle, receipt, report, sealed, sign
from isac1.messages import pb
from isac1.scan import Refused, opened
from isac1.tables import PROTO

NUMBERS = {"code", "times", "n", "shown", "index", "type", "request_id", "sub", "prev_seq", "last_seq", "now_us", "step", "hub_code"}
TEXTS = {"case", "hub_id", "kind", "hub_of_public", "publisher", "member"}


def value_of(file, key, text):
    if key in TEXTS or (file in ("sign.txt", "sign_refused.txt") and key == "type") or (file == "feed_hash.txt" and key == "step"):
        return text
    return int(text) if key in NUMBERS else bytes.fromhex(text)


class Case(dict):
    """Keys of one case, each a list."""

    def __getattr__(self, key):
        values = self[key]
        assert len(values) == 1, f"{key} stands {len(values)} times"
        return values[0]

    def all(self, key):
        return self.get(key, [])


def cases(file):
    made = Case()
    for line in [*(PROTO / "vectors" / file).read_text().split("\n"), ""]:
        if not line and made:
            yield made
            made = Case()
        elif line and not line.startswith("#"):
            key, equals, text = line.partition("=")
            assert equals, line
            key = key.strip()
            made.setdefault(key, []).append(value_of(file, key, text.strip()))


FILES = {}


def vectors(file):
    """Marks the judge of one file; it runs once for every case."""
    def mark(judge):
        FILES[file] = judge
        return judge
    return mark


def code_of(judge, *args, **kw):
    try:
        judge(*args, **kw)
    except Refused as refused:
        return refused.code
    return 200


@vectors("sign.txt")
def _(c):
    assert sign.public_of(c.seed) == c.public
    assert sign.pae(c.type, c.hub_id, c.body) == c.pae
    assert sign.sign(c.seed, c.type, c.hub_id, c.body) == c.signature
    assert sign.verify(c.public, c.type, c.hub_id, c.body, c.signature)
    assert sign.key_id(c.public) == c.key_id
    assert sign.hub_id_of(c.public) == c.hub_of_public


@vectors("sign_refused.txt")
def _(c):
    assert not sign.verify(c.public, c.type, c.hub_id, c.body, c.signature)


@vectors("bundle.txt")
def _(c):
    read = {"member": bundle.MemberBundle, "hub": bundle.HubBundle}[c.kind]
    assert code_of(read, c.text) == c.code


@vectors("salt.txt")
def _(c):
    assert merkle.salt(c.secret, c.index) == c.salt


@vectors("tree.txt")
def _(c):
    assert len(c["item"]) == len(c["salt"]) == len(c["leaf"])
    for i, (item, salt, leaf) in enumerate(zip(c["item"], c["salt"], c["leaf"])):
        assert merkle.salt(c.secret, i) == salt and merkle.item_leaf(salt, item) == leaf
    assert merkle.root(c["leaf"]) == c.root


def leaves(n):
    return [merkle.H(b"leaf %d" % i) for i in range(n)]


@vectors("multiproof.txt")
def _(c):
    all_leaves = leaves(c.n)
    assert merkle.root(all_leaves) == c.root
    assert merkle.multiproof(all_leaves, c.all("shown")) == c.all("proof")
    assert merkle.multiproof_root(c.n, [(i, all_leaves[i]) for i in c.all("shown")], c.all("proof")) == c.root


@vectors("multiproof_refused.txt")
def _(c):
    assert len(c.all("shown")) == len(c.all("shown_leaf"))
    assert merkle.multiproof_root(c.n, list(zip(c.all("shown"), c.all("shown_leaf"))), c.all("proof")) != c.root


@vectors("receipt.txt")
def _(c):
    batch = [opened(data, pb.Receipt, reader=True) for data in c["receipt"]]
    hashes = [merkle.receipt_leaf(r.body) for r in batch]
    assert merkle.root(hashes) == c.root
    assert sign.verify(c.public, "receipt", c.hub_id, c.root + struct.pack(">I", len(batch)), c.signature)
    for i, one in enumerate(batch):
        assert (one.batch_index, one.batch_size, one.hub_signature) == (i, len(batch), c.signature)
        assert list(one.batch_proof) == merkle.audit_path(hashes, i)
        receipt.verify(one, c.hub_id, c.public)


@vectors("receipt_refused.txt")
def _(c):
    with pytest.raises(Refused):
        receipt.verify(opened(c.receipt, pb.Receipt, reader=True), c.hub_id, c.public)


@vectors("feed_hash.txt")
def _(c):
    h = bytes(32)
    assert len(c["step"]) == len(c["hash"])
    for step, want in zip(c["step"], c["hash"]):
        kind, *args = step.split(" ")
        if kind == "entry":
            h = feed.hash_entry(h, int(args[0]), bytes.fromhex(args[1]), [int(i) for i in args[2].split(",") if i])
        else:
            assert kind == "gap"
            h = feed.hash_gap(h, int(args[0]), int(args[1]))
        assert h == want


@vectors("frame_accepted.txt")
def _(c):
    assert c.code == 200 and frame.check_up(c.head, c.body * (c.times if "times" in c else 1)) == 200


@vectors("frame_refused.txt")
def _(c):
    assert frame.check_up(c.head, c.body * (c.times if "times" in c else 1)) == c.code


@vectors("head.txt")
def _(c):
    want = frame.Head(c.type, c.request_id, c.sub, c.prev_seq, c.last_seq)
    assert frame.Head.unpack(c.head) == want and want.pack() == c.head


@vectors("report.txt")
def _(c):
    keys = {sign.key_id(c.public): c.public}
    try:
        held = report.check(c.submit, "alice", c.hub_id, keys, c.now_us)
        got = (202 if held else 200, 8)
    except Refused as refused:
        got = (refused.code, refused.step)
    assert got == (c.code, c.step)


@vectors("entry.txt")
def _(c):
    entry = opened(c.entry, pb.Entry, reader=True)
    assert code_of(lambda: feed.check_proved(entry, c.hub_id, c.public)) == c.code
    assert c.code != 200 or feed.indexes(entry) == c.all("index")


@vectors("sealed.txt")
def _(c):
    header = opened(c.header, pb.Header, reader=True)
    reader = types.SimpleNamespace(name=c.member, curve_secret=c.curve_secret, curve_public=nacl.bindings.crypto_scalarmult_base(c.curve_secret))
    assert code_of(lambda: sealed.check(c.sealed, header, c.publisher)) == c.hub_code
    assert code_of(lambda: sealed.open_payload(c.sealed, header, reader)) == c.code
    assert c.code != 200 or sealed.open_payload(c.sealed, header, reader) == c.payload


def every_case():
    for file in sorted(FILES):
        for case in cases(file):
            yield pytest.param(file, case, id=f"{file}: {case.case}")


@pytest.mark.parametrize("file, case", every_case())
def test_vector(file, case):
    FILES[file](case)


def test_no_file_is_left_out():
    assert {path.name for path in (PROTO / "vectors").iterdir()} == set(FILES)
