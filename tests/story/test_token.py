"""Tokens: a gateway has no rights but to ask for whoever presents one, and the hub answers as the token's member, by the one rule."""
import base64

import pytest

import wirekit
from hub import until
from isac1.client import Client
from isac1.messages import pb
from isac1.tables import TYPE


def raw(text):
    assert text.startswith("isac_") and len(text) == 48
    return base64.urlsafe_b64decode(text[5:] + "=")


class Gateway(Client):
    def ask(self, token, name, body, member=""):
        return self.request("AS_TOKEN", pb.AsToken(token=token, type=TYPE[name], body=body.SerializeToString(), member=member))

    def query(self, token, filter="true", **kw):
        """The values that the holder is shown, or the code of the refusal."""
        got = self.ask(token, "QUERY", pb.Query(filter=filter), **kw)
        if isinstance(got, pb.Error):
            return got.code
        return sorted(pb.Item.FromString(item.item).indicator.value for entry in got.entries for item in entry.items)


@pytest.fixture
def gateway(hub):
    member = hub.enrol("gateway", "gateway")
    with Gateway(wirekit.home_of(member), hub.request_endpoint) as client:
        client.member = member
        yield client


def token(member, *args):
    return raw(member.isac("token", "add", *args).stdout.strip())


def seen(hub, n):
    """Waits for the index."""
    until("indexed", lambda: hub.admin.json("status")[0]["indexed_seq"] >= n)


def test_a_token_reads_what_its_member_may_see(hub, alice, bob, gateway):
    alice.publish("198.51.100.1", tlp="green")
    alice.publish("198.51.100.2", tlp="amber")
    alice.publish("198.51.100.3", tlp="amber+strict")
    alice.publish("198.51.100.4", tlp="red", args=("--to", "bob"))
    carol = hub.enrol("carol", "publisher,subscriber")
    carol.publish("203.0.113.5", tlp="red", args=("--to", "alice"))
    seen(hub, 5)
    hub.admin.isac("admin", "group", "add", "pair")
    for name in ("alice", "bob"):
        hub.admin.isac("admin", "group", "join", "pair", name)
    alice.publish("203.0.113.6", args=("--group", "pair"))
    seen(hub, 6)
    # what is red is sealed to its readers' own keys: a gateway has none, and is shown nothing of it that can be read
    own = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
    assert gateway.query(token(bob)) == gateway.query(token(alice)) == own + ["203.0.113.6"]
    assert gateway.query(token(carol)) == own
    hub.admin.isac("admin", "group", "leave", "pair", "alice")      # its publisher still sees it, a client of it does not
    assert gateway.query(token(alice)) == own + ["203.0.113.6"] and gateway.query(token(alice, "--scope", "client")) == own[:2]
    hub.admin.isac("admin", "group", "leave", "pair", "bob")
    # a client of the organisation: no AMBER+STRICT, no RED, its own neither
    for member in (alice, bob, carol):
        holder = token(member, "--scope", "client")
        assert gateway.query(holder) == own[:2]
        known = gateway.ask(holder, "LOOKUP", pb.Lookup(keys=[key_of(v) for v in (*own, "198.51.100.4", "203.0.113.5", "203.0.113.6")]))
        assert [k.key for k in known.known] == [0, 1]
    # a token gives the gateway nothing of its own
    assert gateway.request("QUERY", pb.Query(filter="true")).code == 403
    # whose it is can be asked for, and is told
    holder = token(bob)
    assert gateway.query(holder, member="alice") == 401 and gateway.query(holder, member="bob") == own
    told = gateway.ask(holder, "COLLECTIONS", pb.Collections())
    assert (told.member, told.scope, [c.name for c in told.collections]) == ("bob", "read", ["all", "mine"])
    assert told.indexed_seq == 6 and told.rights_generation > 0 and told.collection == ""


def key_of(value):
    import hashlib
    return hashlib.blake2b(b"\x01" + value.encode(), digest_size=32).digest()[:16]


def test_what_is_no_token_any_more_reads_nothing(hub, alice, bob, gateway):
    alice.publish("198.51.100.1")
    seen(hub, 1)
    made = bob.json("token", "add", "--note", "firewall")[0]
    good = raw(made["token"])
    assert gateway.query(good) == ["198.51.100.1"]
    for bad in (b"", bytes(31), bytes(32), bytes([good[0] ^ 1]) + good[1:], good + b"\0"):
        assert gateway.query(bad) == 401
    # not by a member without the role, be it the token's own
    with Gateway(wirekit.home_of(bob), hub.request_endpoint) as other:
        assert other.query(good) == 403
    # only what reads: a token signs nothing, and opens no other question
    for name, body in (("SUBMIT", pb.Submit(member="bob")), ("CONTROL", pb.Control(command=b"x")), ("WHO", pb.Who(report_id=bytes(16))),
                       ("AS_TOKEN", pb.AsToken(token=good)), ("STATISTICS", pb.Statistics(question=1))):
        assert gateway.ask(good, name, body).code == 403
    status = gateway.ask(good, "STATUS", pb.Status())
    assert status.indexed_seq == 1 and list(status.roles) == ["subscriber"] and not status.subscriptions
    # revoked, by a member its own only, in force with the answer
    alice.isac("token", "revoke", made["id"], ok=(1,))
    bob.isac("token", "revoke", made["id"])
    assert gateway.query(good) == 401
    bob.isac("token", "revoke", made["id"], ok=(1,))
    # expired
    short = token(bob, "--ttl", "1s")
    until("expired", lambda: gateway.query(short) == 401)
    # suspended with its member
    held = token(bob)
    hub.admin.isac("admin", "member", "suspend", "bob")
    assert gateway.query(held) == 401
    hub.admin.isac("admin", "member", "resume", "bob")
    assert gateway.query(held) == ["198.51.100.1"]
    hub.admin.isac("admin", "member", "role", "bob", "--role", "publisher")
    assert gateway.query(held) == 403
    # nothing of it is in the log or the record of commands
    log = hub.log_text()
    assert good.hex() not in log and made["token"] not in log and "event=token.rejected gateway=gateway err=NOT_AUTHENTIC" in log
    assert hub.sql(f"SELECT count(*) FROM isac.admin_event WHERE position('\\x{good.hex()}'::bytea in command) > 0").strip() == "0"


def test_a_token_for_one_collection_reads_that(hub, alice, bob, gateway):
    alice.publish("198.51.100.1", args=("--confidence", "90"))
    alice.publish("198.51.100.2", args=("--confidence", "10"))
    seen(hub, 2)
    hub.admin.isac("admin", "collection", "add", "sure", "confidence>=60", "--title", "Sure ones")
    hub.admin.isac("admin", "collection", "add", "sure", "true", ok=(1,))
    hub.admin.isac("admin", "collection", "add", "bad", "confidence >=", ok=(1,))
    hub.admin.isac("admin", "collection", "drop", "all", ok=(1,))
    bob.isac("admin", "collection", "add", "own", "true", ok=(1,))
    assert [c["name"] for c in bob.json("admin", "collection", "list")] == ["all", "mine", "sure"]
    bound = token(bob, "--collection", "sure")
    told = gateway.ask(bound, "COLLECTIONS", pb.Collections()).collections
    assert [(c.name, c.filter, c.title, len(c.id)) for c in told] == [("sure", "confidence >= 60", "Sure ones", 16)]
    assert not gateway.ask(bound, "COLLECTIONS", pb.Collections(name="all")).collections
    assert gateway.query(bound, "confidence >= 60") == ["198.51.100.1"]
    assert gateway.query(bound) == 403 and gateway.query(bound, "confidence >= 61") == 403
    assert gateway.ask(bound, "LOOKUP", pb.Lookup(keys=[key_of("198.51.100.2")])).code == 403
    hub.admin.isac("admin", "collection", "drop", "sure")
    assert gateway.query(bound, "confidence >= 60") == 403


def test_who_guesses_is_slowed_and_holds_up_nobody(hub, alice, bob, gateway):
    alice.publish("198.51.100.1")
    seen(hub, 1)
    good, codes = token(bob), []
    for i in range(300):
        codes.append(gateway.query(i.to_bytes(32, "big")))
    assert codes[:100] == [401] * 100 and 429 in codes[100:] and set(codes) == {401, 429}
    assert gateway.query(good) == ["198.51.100.1"]


def test_a_token_of_another_needs_a_second_admin_and_reads_are_told(hub, alice, bob, gateway):
    alice.publish("198.51.100.1", tlp="amber+strict")
    seen(hub, 1)
    one = hub.admin.json("admin", "token", "add", "bob")[0]      # one admin alone: it is all the hub has
    assert gateway.query(raw(one["token"])) == ["198.51.100.1"]
    hub.admin.isac("admin", "token", "add", "gateway", ok=(1,))     # it may not read itself
    second = hub.enrol("second", "admin")
    waiting = hub.admin.json("admin", "token", "add", "bob")[0]
    assert gateway.query(raw(waiting["token"])) == 401
    second.isac("admin", "pending", "approve", waiting["command_id"])
    assert gateway.query(raw(waiting["token"])) == ["198.51.100.1"]
    rows = hub.admin.json("admin", "read", "list", "bob")
    assert {r["token"] for r in rows} == {one["id"], str(int(one["id"]) + 1)} and {r["what"] for r in rows} == {"query"}
    states = {t["id"]: t["state"] for t in hub.admin.json("admin", "token", "list")}
    assert states == {one["id"]: "valid", str(int(one["id"]) + 1): "valid"}
    assert bob.isac("admin", "token", "list", "alice", ok=(1,)).stdout == ""
