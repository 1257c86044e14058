"""Section 5: making a report, and the hub's eight steps as far as they need no roster."""
import os
import secrets
import time

from . import merkle, sealed, sign, value
from .messages import pb
from .scan import Refused, opened, scan
from .tables import LIMIT


def now_us():
    return time.time_ns() // 1000


KINDS = {pb.KIND_INDICATOR: "indicator", pb.KIND_SIGHTING: "sighting", pb.KIND_WITHDRAWAL: "withdrawal"}


def uuid7(at_us):
    """UUIDv7: 48 bits of milliseconds, then version, variant and random bits."""
    raw = bytearray((at_us // 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6], raw[8] = raw[6] & 0x0f | 0x70, raw[8] & 0x3f | 0x80
    return bytes(raw)


def indicator(kind, text, **more):
    return pb.Item(indicator=pb.Indicator(type=kind, value=text, **more)).SerializeToString()


class Report:
    """One signed report; `change` may alter header fields before the signature is made. readers: name -> CURVE key, and the payload is sealed."""

    def __init__(self, home, items, tlp=pb.TLP_GREEN, groups=(), recipients=(), change=None, readers=None):
        self.items, self.secret, at = list(items), secrets.token_bytes(32), now_us()
        self.salts = [merkle.salt(self.secret, i) for i in range(len(self.items))]
        self.leaves = [merkle.item_leaf(s, i) for s, i in zip(self.salts, self.items)]
        header = pb.Header(report_id=uuid7(at), key_id=home.key_id, created_us=at, kind=pb.KIND_INDICATOR, tlp=tlp, groups=groups,
                           recipients=recipients, item_count=len(self.items), items_root=merkle.root(self.leaves) if self.leaves else b"")
        payload = pb.Payload(secret=self.secret, items=self.items).SerializeToString()
        if readers:
            payload = sealed.seal(payload, header, readers)
            header.sealed = merkle.H(payload)
        if change:
            change(header)
        self.id, self.header = header.report_id, header.SerializeToString()
        self.signature = sign.sign(home.seed, "report", home.hub.hub_id, self.header)
        self.submit = pb.Submit(member=home.name, header=self.header, signature=self.signature, payload=payload)


CHECKS = {"indicator": value.check_indicator, "sighting": value.check_sighting, "withdrawal": value.check_withdrawal}


def _header(submit, member, hub_id, keys):
    """Steps 2 and 3."""
    if submit.member != member:
        raise Refused(403, "another member", step=2)
    try:
        header = opened(submit.header, pb.Header)
    except Refused as refused:
        raise Refused(refused.code, str(refused), step=3) from None
    if submit.signature and len(submit.signature) != 64:
        raise Refused(400, "signature", step=3)
    public = keys.get(header.key_id)
    if not submit.signature or public is None or not sign.verify(public, "report", hub_id, submit.header, submit.signature):
        raise Refused(401, "signature", step=3)
    return header


def _id_and_time(header, now):
    if len(header.report_id) != 16 or not any(header.report_id):
        raise Refused(422, "report_id", step=4)
    if header.created_us > now + LIMIT["SKEW_ABSURD_S"] * 1000000:
        raise Refused(422, "no time of this day", step=4)
    if header.created_us > now + LIMIT["SKEW_AHEAD_S"] * 1000000:
        raise Refused(425, "from the future", step=4)
    if header.created_us < now - LIMIT["SKEW_BEHIND_S"] * 1000000:
        raise Refused(422, "too old", step=4)


def _label(header, member):
    red = header.tlp == pb.TLP_RED
    if header.kind not in KINDS:
        raise Refused(422, "kind", step=5)
    is_about = header.kind != pb.KIND_INDICATOR
    if is_about:
        if header.supersedes or len(header.about) != 16 or not value.is_name(header.about_publisher) or header.groups or header.recipients:
            raise Refused(422, "about what", step=5)
        if header.kind == pb.KIND_WITHDRAWAL and header.about_publisher != member:
            raise Refused(403, "another's report", step=5)
    elif header.about or header.about_publisher:
        raise Refused(422, "about a report", step=5)
    if not pb.TLP_CLEAR <= header.tlp <= pb.TLP_RED:
        raise Refused(422, "label", step=5)
    if not is_about and (red != bool(header.recipients) or (red and set(header.recipients) == {member})):
        raise Refused(422, "recipients", step=5)
    if len(header.sealed) != (32 if red else 0):
        raise Refused(422, "sealed or not", step=5)


def _payload(submit, header):
    if header.sealed:
        sealed.check(submit.payload, header, submit.member)
        return pb.Payload()
    try:
        payload = opened(submit.payload, pb.Payload)
    except Refused as refused:
        raise Refused(refused.code, str(refused), step=7) from None
    if len(payload.secret) != 32 or not payload.items or header.item_count != len(payload.items):
        raise Refused(422, "secret or count", step=7)
    leaves = [merkle.item_leaf(merkle.salt(payload.secret, i), item) for i, item in enumerate(payload.items)]
    if merkle.root(leaves) != header.items_root:
        raise Refused(401, "root", step=7)
    return payload


def _items(payload, header):
    """Step 8; the numbers of the held items."""
    seen, held = set(), []
    for number, data in enumerate(payload.items):
        try:
            item = opened(data, pb.Item)
            kind = item.WhichOneof("body")
            if kind != KINDS[header.kind] and not (header.supersedes and kind == "withdrawal"):
                raise Refused(422, "not of the header's kind")
            found = CHECKS[kind](getattr(item, kind))
            if found in seen:
                raise Refused(422, "twice")
        except Refused as refused:
            raise Refused(refused.code, str(refused), item=number + 1, step=8) from None
        seen.add(found)
        if kind == "indicator" and value.held(*found):       # of what is about a report, the original decides
            held.append(number)
    return held


def check(body, member, hub_id, keys, now):
    """The numbers of held items, or Refused with code and step. Roles, groups and store (of 5 and 6) are the hub's to know."""
    try:
        scan(body, pb.Submit)
    except Refused as refused:
        raise Refused(refused.code, str(refused), step=1) from None
    submit = pb.Submit.FromString(body)
    header = _header(submit, member, hub_id, keys)
    _id_and_time(header, now)
    _label(header, member)
    return _items(_payload(submit, header), header)
