"""Section 4: member and hub bundles, and the files of a member's home."""
import os
import pathlib
import re
import secrets

import nacl.bindings

from . import sign
from .scan import Refused

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
ADDRESS = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(0|[1-9][0-9]{0,4})")


def _lines(text, first, names):
    """The values of exactly these lines in this order."""
    if not isinstance(text, str):
        try:
            text = bytes(text).decode("ascii")
        except UnicodeDecodeError:
            raise Refused(400, "not ASCII") from None
    if not text.endswith("\n"):
        raise Refused(400, "no newline at the end")
    lines = text[:-1].split("\n")
    if len(lines) != len(names) + 1 or lines[0] != first:
        raise Refused(400, "not these lines")
    found = {}
    for line, name in zip(lines[1:], names):
        key, blank, value = line.partition(" ")
        if key != name or not blank or not value:
            raise Refused(400, f"no line {name}")
        found[name] = value
    return found


def _hex(value, size):
    if not re.fullmatch(r"[0-9a-f]{%d}" % (2 * size), value):
        raise Refused(400, "not hex of this length")
    return bytes.fromhex(value)


class MemberBundle:
    def __init__(self, text):
        found = _lines(text, "isac-member 1", ["name", "curve_public", "sign_public", "signature"])
        self.name = found["name"]
        self.curve_public, self.sign_public = _hex(found["curve_public"], 32), _hex(found["sign_public"], 32)
        signature = _hex(found["signature"], 64)
        if len(self.name) > 64:
            raise Refused(400, "a line too long")
        if not NAME.fullmatch(self.name):
            raise Refused(422, "no name")
        text = text if isinstance(text, bytes) else text.encode()
        if not sign.verify(self.sign_public, "member", "", text[:text.index(b"\nsignature ") + 1], signature):
            raise Refused(401, "bundle is not signed by its own key")


class HubBundle:
    def __init__(self, text):
        names = ["hub_id", "address", "curve_public", "receipt_public", "admin_public"]
        found = _lines(text, "isac-hub 1", names)
        self.hub_id, self.address = _hex(found["hub_id"], 8).hex(), found["address"]
        self.curve_public, self.receipt_public, self.admin_public = (_hex(found[n], 32) for n in names[2:])
        address = ADDRESS.fullmatch(self.address)
        if not address or int(address.group(2)) > 65535:
            raise Refused(422, "no address")
        if sign.hub_id_of(self.receipt_public) != self.hub_id:
            raise Refused(401, "hub_id of another key")


def member_bundle(name, curve_public, seed):
    text = f"isac-member 1\nname {name}\ncurve_public {curve_public.hex()}\nsign_public {sign.public_of(seed).hex()}\n".encode()
    return text + b"signature " + sign.sign(seed, "member", "", text).hex().encode() + b"\n"


def _secret_file(path, data):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(data.hex() + "\n")


class Home:
    """The files of one member: sign.key, curve.key (hex), member.pub, hub.pub, config."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.seed = bytes.fromhex((self.folder / "sign.key").read_text().strip())
        self.curve_secret = bytes.fromhex((self.folder / "curve.key").read_text().strip())
        self.curve_public = nacl.bindings.crypto_scalarmult_base(self.curve_secret)
        self.member_pub = (self.folder / "member.pub").read_bytes()
        self.name = MemberBundle(self.member_pub).name
        self.hub = HubBundle((self.folder / "hub.pub").read_bytes())
        self.key_id = sign.key_id(sign.public_of(self.seed))


def keygen(folder, name, hub_pub, endpoint):
    """Makes an identity that `isac --home` can use as well."""
    folder = pathlib.Path(folder)
    folder.mkdir(mode=0o700, parents=True)
    seed, curve_secret = secrets.token_bytes(32), secrets.token_bytes(32)
    _secret_file(folder / "sign.key", seed)
    _secret_file(folder / "curve.key", curve_secret)
    (folder / "member.pub").write_bytes(member_bundle(name, nacl.bindings.crypto_scalarmult_base(curve_secret), seed))
    (folder / "hub.pub").write_bytes(hub_pub)
    (folder / "config").write_text(f"hub {endpoint}\nname {name}\n")
    return Home(folder)
