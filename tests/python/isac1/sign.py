"""Section 4: the pre-authentication encoding, Ed25519, key ids and the hub's id."""
import hashlib

import nacl.exceptions
import nacl.signing


def pae(kind, hub_id, body):
    """One encoding for all signatures: the type and the hub are part of what is signed."""
    out = b"isac1"
    for part in (kind.encode(), hub_id.encode()):
        out += b" %d %b" % (len(part), part)
    return out + b" %d " % len(body) + body


def public_of(seed):
    return bytes(nacl.signing.SigningKey(seed).verify_key)


def sign(seed, kind, hub_id, body):
    return nacl.signing.SigningKey(seed).sign(pae(kind, hub_id, body)).signature


def verify(public, kind, hub_id, body, signature):
    """True or False; libsodium refuses non-canonical S and keys of small order."""
    if len(signature) != 64 or len(public) != 32:
        return False
    try:
        nacl.signing.VerifyKey(public).verify(pae(kind, hub_id, body), signature)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


def key_id(public):
    return hashlib.sha256(b"\1" + public).digest()[:8]


def hub_id_of(receipt_public):
    return hashlib.sha256(receipt_public).digest()[:8].hex()
