"""Sections 7 and 10: whose keys are to be trusted, what makes an entry good, and a session's bookkeeping."""
import struct

from . import bundle, merkle, sealed, sign
from .messages import pb
from .scan import Refused, opened


class Key:
    def __init__(self, certificate):
        self.member, self.public = certificate.member, certificate.public_key
        self.valid_from, self.valid_until = certificate.valid_from_us, certificate.valid_until_us
        self.revoked_from = certificate.revoked_from_seq
        self.invitation = False                # signs for its member's own key, and no reports

    def good_for(self, seq, at_us):
        if self.invitation or (self.revoked_from and seq >= self.revoked_from):
            return False
        return at_us >= self.valid_from and (not self.valid_until or at_us < self.valid_until)


def _order(certificate, verbs):
    """The verb and roles with which a certificate's command enrols; Refused unless it names this very key, by one of the verbs."""
    command = opened(certificate.command, pb.Command, reader=True)
    args = {arg.name: arg for arg in command.args}
    if command.verb not in verbs or "bundle" not in args:
        raise Refused(401, "a command that enrols no key")
    got = bundle.MemberBundle(args["bundle"].data)
    if got.name != certificate.member or got.sign_public != certificate.public_key:
        raise Refused(401, "certificate of another key")
    roles = args["role"].value.split(",") if command.verb in ("member.add", "member.invite") and "role" in args else ()
    return command.verb, set(roles)


class Keyring:
    """Keys whose certificates lead back to the first admin's key in the hub's bundle."""

    def __init__(self, hub):
        self.hub, self.keys, self.admins, self.invited = hub, {}, set(), {}

    def learn(self, certificates):
        """Takes certificates in any order: an admin's may come after those that it signed."""
        waiting = list(certificates)
        while waiting:
            rest = [c for c in waiting if not self._take(c)]
            if len(rest) == len(waiting):
                return rest
            waiting = rest
        return []

    def _take(self, certificate):
        if certificate.key_id != sign.key_id(certificate.public_key):
            return False
        if not certificate.command:
            if certificate.public_key != self.hub.admin_public:
                return False
            self.admins.add(certificate.member)
        else:
            admin = self.keys.get(certificate.admin_key_id)
            invited = self.invited.get(certificate.admin_key_id)
            if admin is None or (certificate.member != admin.member if invited is not None else admin.member not in self.admins):
                return False
            if not sign.verify(admin.public, "command", self.hub.hub_id, certificate.command, certificate.signature):
                return False
            try:
                verb, roles = _order(certificate, ("member.join",) if invited is not None else ("member.add", "key.add", "member.invite"))
            except Refused:
                return False
            if verb == "member.invite":
                self.invited[certificate.key_id] = roles
            elif "admin" in (invited if invited is not None else roles):
                self.admins.add(certificate.member)
        self.keys[certificate.key_id] = Key(certificate)
        self.keys[certificate.key_id].invitation = certificate.key_id in self.invited
        return True


def indexes(entry):
    """The numbers of the items that an entry shows: a whole report's (with a secret) count from 0 and do not say so."""
    if entry.sealed:
        return [0]                  # a sealed report counts as one item
    return list(range(len(entry.items))) if entry.secret else [item.index for item in entry.items]


def salts(entry, item_count):
    """The salts of the items that an entry shows, told one by one or derived from the secret of a whole report."""
    if not entry.secret:
        return [item.salt for item in entry.items]
    if len(entry.secret) != 32 or len(entry.items) != item_count or entry.proof or any(item.salt or item.index for item in entry.items):
        raise Refused(401, "secret")
    return [merkle.salt(entry.secret, i) for i in range(item_count)]


def check_proved(entry, hub_id, public):
    """Signature first, then the items under the header's root, by multiproof or whole; returns the header."""
    if not sign.verify(public, "report", hub_id, entry.header, entry.signature):
        raise Refused(401, "signature over the header")
    header = opened(entry.header, pb.Header, reader=True)
    told = salts(entry, header.item_count)
    if any(len(salt) != 16 for salt in told):
        raise Refused(401, "salt")
    shown = [(index, merkle.item_leaf(salt, item.item)) for index, salt, item in zip(indexes(entry), told, entry.items)]
    root = merkle.multiproof_root(header.item_count, shown, entry.proof)
    if root is None or root != header.items_root:
        raise Refused(401, "multiproof")
    return header


def check_entry(entry, keyring, home=None):
    """An entry of a delivery or a page: (header, items as messages). home: who opens what is sealed."""
    key_id = opened(entry.header, pb.Header, reader=True).key_id
    key = keyring.keys.get(key_id)
    if key is None or key.member != entry.publisher or not key.good_for(entry.seq, entry.received_us):
        raise Refused(401, "no trusted key of this publisher")
    if entry.sealed:
        entry = sealed.unseal(entry, keyring.hub.hub_id, key.public, home)
    header = check_proved(entry, keyring.hub.hub_id, key.public)
    return header, [opened(item.item, pb.Item, reader=True) for item in entry.items]


def check_recall(recall, keyring):
    """The admins that ordered it (section 7); Refused if nobody did."""
    def signer(signature, key_id):
        key = keyring.keys.get(key_id)
        if key is None or key.invitation or key.member not in keyring.admins:
            raise Refused(401, "a key that is no admin's")
        if not sign.verify(key.public, "command", keyring.hub.hub_id, recall.command, signature):
            raise Refused(401, "signature over the order")
        return key.member

    by = {signer(recall.signature, recall.key_id)}
    if recall.cosignature:
        by.add(signer(recall.cosignature, recall.cosign_key_id))
    command = opened(recall.command, pb.Command, reader=True)
    args = {arg.name: arg.value for arg in command.args}
    reports = {r.report_id.hex() for r in recall.reports}
    def of_report():
        return reports == {args.get("report_id")} and args.get("publisher", recall.publisher) == recall.publisher

    orders = {(2, "report.erase"): of_report, (5, "report.withdraw"): of_report,
              (2, "member.erase"): lambda: args.get("name") == recall.publisher,
              (4, "key.revoke"): lambda: "key_id" in args and all(r.seq >= int(args.get("from_seq", 0)) for r in recall.reports)}
    fits = orders.get((recall.reason, command.verb))
    if fits is None or "dry_run" in args or not fits():
        raise Refused(401, "an order of something else")
    return by


def hash_entry(h, seq, header, indexes):
    return merkle.H(h + struct.pack(">Q", seq) + merkle.H(header) + struct.pack(f">I{len(indexes)}I", len(indexes), *indexes))


def hash_gap(h, first, last):
    return merkle.H(h + b"gap" + struct.pack(">QQ", first, last))


class Loss(Exception):
    """Something of the feed did not arrive: open a new session from the last position."""


class Session:
    """Position and running hash of one session, beginning with SUBSCRIBED."""

    def __init__(self, subscribed):
        self.sub, self.position, self.hash, self.filter = subscribed.sub, subscribed.position, bytes(32), subscribed.filter
        self.rights_seq, self.rights_generation = subscribed.position, subscribed.rights_generation
        if subscribed.hash != self.hash:
            raise Loss("a session that does not begin with zeros")

    def delivery(self, head, batch):
        if head.sub != self.sub or head.prev_seq != self.position or head.last_seq <= head.prev_seq:
            raise Loss(f"after {self.position} came ({head.prev_seq}, {head.last_seq}]")
        before = head.prev_seq
        for entry in batch.entries:
            if not before < entry.seq <= head.last_seq:
                raise Loss("entries out of order or out of their range")
            before = entry.seq
            self.hash = hash_entry(self.hash, entry.seq, entry.header, indexes(entry))
        self.position = head.last_seq

    def gap(self, gap):
        if gap.sub != self.sub or gap.first_seq != self.position + 1 or gap.last_seq < gap.first_seq:
            raise Loss(f"gap {gap.first_seq}..{gap.last_seq} after {self.position}")
        self.hash = hash_gap(self.hash, gap.first_seq, gap.last_seq)
        self.position = gap.last_seq

    def heartbeat(self, beat):
        if beat.sub != self.sub or beat.position < self.position or beat.hash != self.hash:
            raise Loss(f"heartbeat {beat.position} after {self.position}, hash {'agrees' if beat.hash == self.hash else 'differs'}")
        if beat.rights_generation != self.rights_generation:
            if beat.rights_generation < self.rights_generation or beat.rights_seq != beat.position:
                raise Loss(f"rights of generation {beat.rights_generation} from {beat.rights_seq} on, told at {beat.position}")
            self.rights_seq, self.rights_generation = beat.rights_seq, beat.rights_generation
        self.position = beat.position
