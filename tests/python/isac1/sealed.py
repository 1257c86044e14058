"""Section 5, sealed reports: a body that its recipients alone can open."""
import os
import re

import nacl.bindings as sodium
import nacl.exceptions

from . import merkle, sign
from .messages import pb
from .scan import Refused, opened

NONCE = bytes(24)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def _bound(header):
    return b"isac1 sealed" + header.report_id + header.key_id


def seal(payload, header, readers):
    """The bytes of a SealedPayload; readers: name -> CURVE public key."""
    key = os.urandom(32)
    body = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(payload, _bound(header), NONCE, key)
    keys = [pb.SealedKey(member=name, box=sodium.crypto_box_seal(key, curve)) for name, curve in readers.items()]
    return pb.SealedPayload(body=body, keys=keys).SerializeToString()


def check(data, header, publisher):
    """What the hub can know of it; Refused otherwise."""
    if merkle.H(data) != header.sealed:
        raise Refused(401, "not what the header commits to", step=7)
    try:
        got = opened(data, pb.SealedPayload)
    except Refused as refused:
        raise Refused(refused.code, str(refused), step=7) from None
    names = [key.member for key in got.keys]
    if header.about:            # whose they may be follows from the report that it is about
        if len(got.body) <= 16 or not names or any(len(key.box) != 80 for key in got.keys) or len(set(names)) != len(names) \
                or not all(NAME.fullmatch(name) for name in names) or not 1 <= header.item_count <= 1000 or len(header.items_root) != 32:
            raise Refused(422, "body or keys", step=7)
        return
    others = [name for name in names if name not in header.recipients]
    if len(got.body) <= 16 or any(len(key.box) != 80 for key in got.keys) or len(set(names)) != len(names):
        raise Refused(422, "body or keys", step=7)
    if set(header.recipients) - set(names) or others not in ([], [publisher]) or not 1 <= header.item_count <= 1000 or len(header.items_root) != 32:
        raise Refused(422, "keys for others than the header names", step=7)


def open_payload(data, header, home):
    """The Payload's bytes, by this member's CURVE key."""
    if merkle.H(data) != header.sealed:
        raise Refused(401, "not what the header commits to")
    got = opened(data, pb.SealedPayload, reader=True)
    mine = [key.box for key in got.keys if home and key.member == home.name]
    if len(got.body) <= 16:
        raise Refused(401, "an empty body")
    if not mine:
        raise Refused(404, "sealed, and not to this member")
    try:
        key = sodium.crypto_box_seal_open(mine[0], home.curve_public, home.curve_secret)
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(got.body, _bound(header), NONCE, key)
    except nacl.exceptions.CryptoError:
        raise Refused(401, "does not open") from None


def unseal(entry, hub_id, public, home):
    """The entry as if the hub had shown the whole report; its items still have to hold against the header."""
    if entry.items or entry.proof or entry.secret:
        raise Refused(401, "items beside the seal")
    if not sign.verify(public, "report", hub_id, entry.header, entry.signature):
        raise Refused(401, "signature over the header")
    payload = opened(open_payload(entry.sealed, opened(entry.header, pb.Header, reader=True), home), pb.Payload, reader=True)
    whole = pb.Entry(secret=payload.secret, items=[pb.DisclosedItem(item=item) for item in payload.items])
    whole.MergeFrom(entry)
    whole.ClearField("sealed")
    if len(whole.secret) != 32:
        raise Refused(401, "secret")
    return whole
