"""Bad input that needs fresh signatures and times: recipes of tests/data/bad/*.json (format: README.md there), applied to a report,
query or subscription of a live member at run time. Speaks the protocol with tests/python/isac1 only, never with our own code.
"""
import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "python"))

from isac1 import bundle, merkle, report, sign     # noqa: E402
from isac1.client import Client, Feed              # noqa: E402
from isac1.messages import pb                      # noqa: E402
from isac1.tables import LIMIT, VALUE_NUMBER       # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data/bad"
L = 2**252 + 27742317777372353535851937790883648493       # the order of Ed25519's group, RFC 8032 section 5.1
GOOD = [{"type": "ipv4", "value": "198.51.100.7"}]


class Recipe:
    def __init__(self, path):
        self.name = path.name.removesuffix(".json")
        self.code = int(self.name.rsplit(".", 1)[1])
        self.what = json.loads(path.read_text())

    @property
    def is_filter(self):
        return "filter" in self.what


def recipes(filters):
    return [r for r in map(Recipe, sorted(FOLDER.glob("*.json"))) if r.is_filter == filters]


def value_of(told):
    """What a recipe says of a field: {"hex": ...} for bytes, else as it is."""
    return bytes.fromhex(told["hex"]) if isinstance(told, dict) else told


def item_of(told):
    """An Item's bytes; `append` are bytes behind the Indicator's fields."""
    fields = {k: v for k, v in told.items() if k != "append"}
    kind = fields.pop("type")
    number = int(kind.removeprefix("number ")) if kind.startswith("number ") else VALUE_NUMBER[kind]
    data = pb.Indicator(type=number, **fields).SerializeToString() + bytes.fromhex(told.get("append", ""))
    return field(1, data)


def varint(n):
    out = b""
    while n > 0x7f:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def items_of(what):
    told = what.get("items", GOOD)
    if "numbered" in what:
        told = [{**told[0], "value": told[0]["value"] % i} for i in range(what["numbered"])]
    return [item_of(one) for one in told] * what.get("copies", 1)


def plus_l(signature):
    """The same R with S + L: the equation holds, S is not canonical."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")


def signature_of(told, home, header):
    if "hex" in told:
        return bytes.fromhex(told["hex"])
    if told.get("bare"):
        import nacl.signing
        return nacl.signing.SigningKey(home.seed).sign(header).signature
    good = sign.sign(home.seed, told.get("type", "report"), told.get("hub_id", home.hub.hub_id), header)
    if "length" in told:
        return (good + bytes(64))[:told["length"]]
    if "flip" in told:
        at = told["flip"]
        return good[:at // 8] + bytes([good[at // 8] ^ 1 << at % 8]) + good[at // 8 + 1:]
    return plus_l(good) if told.get("plus_l") else good


class Cooked:
    """A SUBMIT by `home`, spoiled as the recipe says. `others`: homes by name; `like`: the report whose id and items it takes up."""

    def __init__(self, what, home, others=None, like=None):
        signer = (others or {})[what["by"]] if "by" in what else home
        self.items = items_of(what) if "items" in what or not like else like.items
        self.secret = like.secret if like else report.secrets.token_bytes(32)
        leaves = [merkle.item_leaf(merkle.salt(self.secret, i), item) for i, item in enumerate(self.items)]
        header = pb.Header()
        if like:
            header.CopyFrom(like.fields)
        else:
            header = pb.Header(report_id=report.uuid7(report.now_us()), created_us=report.now_us(), kind=pb.KIND_INDICATOR, tlp=pb.TLP_GREEN)
        header.key_id, header.item_count = signer.key_id, len(self.items)
        header.items_root = merkle.root(leaves) if leaves else b""
        header.created_us += what.get("created", 0) * 1000000
        self.change(header, what.get("header", {}), home)
        self.fields, self.header = header, header.SerializeToString()
        if "header_bytes" in what:
            told = what["header_bytes"]
            self.header = value_of(told) if "hex" in told else self.header + bytes.fromhex(told["append"])
        signature = signature_of(what.get("signature", {}), signer, self.header)
        if "after_signing" in what:
            self.change(header, what["after_signing"], home)
            self.header = header.SerializeToString()
        payload = what.get("payload", {})
        self.payload = pb.Payload(secret=value_of(payload.get("secret", {"hex": self.secret.hex()})),
                                  items=items_of(payload) if "items" in payload else self.items)
        self.submit = pb.Submit(member=what.get("member", home.name), header=self.header, signature=signature,
                                payload=self.payload.SerializeToString())

    @staticmethod
    def change(header, told, home):
        for name, to in told.items():
            to = home.key_id if to == "own" else value_of(to)
            if isinstance(to, list):
                del getattr(header, name)[:]
                getattr(header, name).extend(to)
            else:
                setattr(header, name, to)


def filter_of(told):
    """A recipe's filter text, as bytes since it may be no text."""
    if isinstance(told, str):
        return told.encode()
    if "hex" in told:
        return bytes.fromhex(told["hex"])
    middle = told.get("between", "").join([told["repeat"]] * told["times"])
    return (told.get("before", "") + middle + told.get("after", "")).encode()


def home_of(member):
    return bundle.Home(member.home)


def stats(admin):
    """Every counter, by name; `admin` is a Client."""
    got = admin.control("stats", [])
    assert got.code == 200, got.text
    cells = ({cell.name: cell.value for cell in row.cells} for row in got.rows)
    return {row["name"]: int(row["value"]) for row in cells}
