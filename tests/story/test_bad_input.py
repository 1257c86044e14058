"""Bad input with good frames: signatures, identities, times, labels, values, filters, cursors. Cases 38 to 84 of tests/data/bad.

Every recipe there is played on one hub that lives through all of them. After each: the reply has the code in the file's name, the
counter that tells of it moved and no other, nothing is stored of what is refused, what is held is stored and not delivered, what is
accepted comes through the feed as it was signed, and an honest member is served.
"""
import json

import pytest

import hub as hubs
import wirekit as kit
from hub import until
from isac1 import feed, receipt
from isac1.client import Client, Feed
from isac1.messages import pb
from isac1.tables import LIMIT, VALUE_NUMBER

_fresh = iter(range(1, 1 << 16))
STORE = ("store.reports", "store.items", "store.held", "store.duplicates", "store.conflicts", "intake.refused", "intake.limited", "intake.busy")


def fresh():
    n = next(_fresh)
    return {"items": [{"type": "ipv4", "value": f"93.{n >> 8}.{n & 255}.9"}]}


class World:
    """A hub, its members' connections, and a subscriber that is sent everything."""

    def __init__(self, one):
        self.hub = one
        self.admin = Client(kit.bundle.Home(one.folder / "admin"), one.request_endpoint)
        roles = {"alice": "publisher,subscriber", "bob": "publisher,subscriber", "ana": "analyst"}
        self.member = {name: one.enrol(name, role) for name, role in roles.items()}
        self.home = {name: kit.home_of(member) for name, member in self.member.items()}
        self.home["stranger"] = kit.home_of(one.keygen("stranger"))
        self.client = {name: Client(self.home[name], one.request_endpoint) for name in self.member}
        one.admin.isac("admin", "group", "add", "others")
        one.admin.isac("admin", "group", "join", "others", "bob")
        self.ring = self.client["ana"].keyring()
        self.feed = Feed(self.home["ana"], one.feed_endpoint)
        assert isinstance(self.feed.subscribe(**{"from": pb.Subscribe.FROM_START}), pb.Subscribed)

    def close(self):
        for socket in (self.admin, self.feed, *self.client.values()):
            socket.close()
        self.hub.finish()

    def submit(self, cooked, name="alice"):
        return self.client[name].request("SUBMIT", cooked.submit)

    def promised(self, cooked, got, name="alice"):
        """The seq of a verified receipt."""
        hub = self.home[name].hub
        return receipt.verify(got, hub.hub_id, hub.receipt_public, cooked.fields.report_id, cooked.header).seq

    def served(self):
        """An honest member's report is stored; its seq."""
        cooked = kit.Cooked(fresh(), self.home["bob"])
        got = self.submit(cooked, "bob")
        assert got.code == 200, (got.code, got.text)
        return self.promised(cooked, got, "bob")

    def delivered(self, seq):
        """Entries that the subscriber was sent up to seq, all proved: {seq: (header bytes, items)}"""
        found = {}
        while self.feed.session.position < seq:
            _, message = self.feed.next()
            if isinstance(message, pb.Batch):
                for entry in message.entries:
                    feed.check_entry(entry, self.ring)
                    found[entry.seq] = (entry.header, [item.item for item in entry.items])
                self.feed.credit(message.ByteSize())
        return found

    def stored(self):
        return int(self.hub.sql("SELECT count(*) FROM report"))

    def head(self):
        return int(self.hub.sql("SELECT seq FROM hub_head"))

    def moved(self, before):
        """Counters of reports that moved since, and by how much."""
        now = kit.stats(self.admin)
        return {name: now[name] - before[name] for name in STORE if now[name] != before[name]}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(hubs.make(tmp_path_factory.mktemp("bad") / "hub", ["rate_burst=100000", "rate_bytes_per_min=10000000000", "heartbeat_ms=200"]).start())
    yield made
    made.close()


# ---- recipes for reports

def counters(code, items, held):
    """What a report with this reply may move."""
    if code in (200, 202):
        return {"store.reports": 1, "store.items": items, **({"store.held": held} if held else {})}
    return {208: {"store.duplicates": 1}, 409: {"store.conflicts": 1}}.get(code, {"intake.refused": 1})


def play(world, recipe):
    """Sends what the recipe says; returns (what was sent last, its reply, counters before it, seqs stored before it)"""
    cooked = kit.Cooked(recipe.what, world.home["alice"], world.home)
    seqs = []
    if "again" in recipe.what:
        first = world.submit(cooked)
        assert first.code == 200
        seqs = [world.promised(cooked, first)]
        cooked = kit.Cooked({**recipe.what, **recipe.what["again"]}, world.home["alice"], world.home, like=cooked)
    before = kit.stats(world.admin)
    return cooked, world.submit(cooked), before, seqs


@pytest.mark.parametrize("recipe", kit.recipes(filters=False), ids=lambda r: r.name)
def test_a_report_gets_its_code(world, recipe):
    count, head = world.stored(), world.head()
    cooked, got, before, seqs = play(world, recipe)
    assert got.code == recipe.code, got.text
    held = list(got.held)
    assert world.moved(before) == counters(got.code, len(cooked.items), len(held))
    stored = got.code in (200, 202)
    assert world.stored() - count == len(seqs) + stored
    if stored:
        seqs.append(world.promised(cooked, got))
    else:
        assert got.code == 208 or not got.body and got.text and not held
        assert got.item == recipe.what.get("item", 1 if recipe.code == 422 and 61 <= int(recipe.name[:3]) <= 78 else got.item)
    if got.code == 208:
        assert world.promised(cooked, got) == seqs[0]
    assert held == recipe.what.get("held", [0] if got.code == 202 else [])

    seqs.append(world.served())
    seen = {seq: sent for seq, sent in world.delivered(seqs[-1]).items() if seq > head}
    free = [item for i, item in enumerate(cooked.items) if i not in held]
    assert sorted(seen) == [seq for seq in seqs if got.code != 202 or seq != seqs[-2] or free]
    if stored and free:
        assert seen[seqs[-2]] == (cooked.header, free)


def pages(client, text, **more):
    """Items of all pages of a query, and the entries' states."""
    cursor, found, states = b"", [], set()
    while True:
        got = client.request("QUERY", pb.Query(filter=text, cursor=cursor, **more))
        assert isinstance(got, pb.QueryResult), (got.code, got.text, text)
        for entry in got.entries:
            states.add(entry.state)
            found += [pb.Item.FromString(item.item).indicator for item in entry.items]
        cursor = got.cursor
        if not cursor:
            return found, states


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize("recipe", [r for r in kit.recipes(filters=False) if "canonical" in r.what], ids=lambda r: r.name)
def test_it_is_found_under_its_canonical_form(world, recipe):                     # 68, 73, 74
    kind, text = recipe.what["canonical"]
    cooked = kit.Cooked(recipe.what, world.home["alice"])
    seq = world.promised(cooked, world.submit(cooked))
    world.delivered(seq)
    found, _ = pages(world.client["ana"], f"type = {kind} and value in ({quoted(text)})", wait_seq=seq, as_of_seq=seq)
    assert found and found[0].value == recipe.what["items"][0]["value"]             # as it was signed
    rows = world.hub.sql(f"SELECT value FROM indicator WHERE type = {VALUE_NUMBER[kind]} AND value = '{text}'")
    assert rows.splitlines() == [text]


@pytest.mark.parametrize("recipe", [r for r in kit.recipes(filters=False) if "search" in r.what], ids=lambda r: r.name)
def test_texts_of_attackers_are_texts(world, recipe):                             # 79, 80
    cooked = kit.Cooked(recipe.what, world.home["alice"])
    got = world.submit(cooked)
    seq = world.promised(cooked, got)
    assert world.delivered(seq)[seq] == (cooked.header, cooked.items)
    signed = [pb.Item.FromString(item).indicator for item in cooked.items]
    for text in recipe.what["search"]:
        for column in ("value", "raw", "tag"):
            for op in ("=", "contains", "starts"):
                found, _ = pages(world.client["ana"], f"{column} {op} {quoted(text)}", wait_seq=seq)
                found = [i for i in found if i in signed]
                assert len(found) >= 4 and all(i.value.startswith(text) or text in i.value for i in found), (column, op, text)
    assert world.stored() > 0 and world.served()


@pytest.mark.parametrize("column", ["publisher", "group", "country", "tag", "raw", "value"])
def test_operands_of_attackers_match_nothing(world, column):                      # 79
    for text in ("' OR '1'='1", "x' OR true --", "%", "_", "\\", "$1", "%' OR value LIKE '%"):
        for op in ("=", "in (", "starts", "contains"):
            wanted = f"{column} {op} {quoted(text + 'q')}" + (")" if "(" in op else "")
            assert pages(world.client["ana"], wanted) == ([], set())


def test_it_is_shown_as_text(world):                                             # 80
    alice, ana = world.member["alice"], world.member["ana"]
    texts = ["<script>alert(1)</script>", "<svg onload=alert(1)>", "javascript:alert(1)", "'; DROP TABLE report;--", "a,b\"c", "=1+1"]
    seq = alice.publish_jsonl([{"type": "filename", "value": "shown-" + t, "description": t, "tags": [t.replace(",", "")]} for t in texts])[0]["seq"]
    world.delivered(seq)
    got = ana.json("query", 'type = filename and value starts "shown-"', "--wait")
    assert sorted(i["value"] for i in got) == sorted("shown-" + t for t in texts)
    assert all(i["description"] == i["value"].removeprefix("shown-") for i in got)


def test_a_refused_id_is_not_used_up(world):
    bad = kit.Cooked({"items": [{"type": "ipv4", "value": "127.0.0.1"}]}, world.home["alice"])
    assert world.submit(bad).code == 422
    good = kit.Cooked(fresh(), world.home["alice"], like=bad)
    got = world.submit(good)
    assert got.code == 200 and world.promised(good, got)


def test_two_members_may_choose_the_same_id(world):                               # 51
    mine = kit.Cooked(fresh(), world.home["alice"])
    assert world.submit(mine).code == 200
    theirs = kit.Cooked({**fresh(), "header": {"report_id": {"hex": mine.fields.report_id.hex()}}}, world.home["bob"])
    got = world.submit(theirs, "bob")
    assert got.code == 200 and world.promised(theirs, got, "bob")


def test_what_is_held_is_for_its_publisher_and_analysts(world):                   # 61, 70
    cooked = kit.Cooked({"items": [{"type": "ipv4", "value": "8.8.4.4"}]}, world.home["alice"])
    got = world.submit(cooked)
    seq = world.promised(cooked, got)
    ask = lambda name, **kw: pages(world.client[name], "value = 8.8.4.4", wait_seq=seq, **kw)
    for name, sees in (("alice", True), ("ana", True), ("bob", False)):
        assert ask(name) == ([], set())
        found, states = ask(name, held=True)
        assert (len(found), states) == ((1, {1}) if sees else (0, set()))


def test_the_reports_label_is_the_items_label(world):                             # 59
    alice = world.member["alice"]
    got = alice.publish_jsonl([{"type": "domain", "value": "label.example", "tlp": "clear"}], tlp="amber")
    assert got[0]["code"] == 200
    seq = got[0]["seq"]
    header, items = world.delivered(seq)[seq]
    assert pb.Header.FromString(header).tlp == pb.TLP_AMBER
    assert pages(world.client["ana"], "value = label.example and tlp < amber", wait_seq=seq) == ([], set())
    assert len(pages(world.client["ana"], "value = label.example and tlp = amber", wait_seq=seq)[0]) == 1


# ---- keys (48, 49), through the commands that an admin has

class Keys:
    def __init__(self, world):
        self.world, self.n = world, next(_fresh)

    def add(self, *args):
        """Another key of alice's."""
        home = self.world.hub.keygen("alice", folder=f"alice-{self.n}")
        self.world.hub.admin.isac("admin", "key", "add", "alice", home.home / "member.pub", *args)
        self.world.ring.learn(self.world.client["ana"].request("DIRECTORY", b"").keys)
        return kit.home_of(home)

    def submit(self, home):
        """Code of a fresh report of alice's with this key, and its seq."""
        cooked = kit.Cooked({**fresh(), "by": "key"}, self.world.home["alice"], {"key": home})
        before, count = kit.stats(self.world.admin), self.world.stored()
        got = self.world.submit(cooked)
        assert self.world.moved(before) == counters(got.code, 1, 0)
        assert self.world.stored() - count == (got.code == 200)
        seq = self.world.promised(cooked, got) if got.code == 200 else 0
        if seq:
            self.world.delivered(seq)
        return got.code, seq

    def revoke(self, home, *args):
        return self.world.hub.admin.isac("admin", "key", "revoke", home.key_id.hex(), *args)


@pytest.fixture
def keys(world):
    return Keys(world)


def test_a_revoked_key(world, keys):                                             # 48
    home = keys.add()
    assert keys.submit(home)[0] == 200
    keys.revoke(home)
    assert keys.submit(home) == (410, 0)
    seq = world.served()
    world.delivered(seq)
    assert keys.submit(world.home["alice"])[0] == 200                               # her other key


def test_a_key_revoked_from_a_later_seq(world, keys):                             # 48
    home = keys.add()
    seq = keys.submit(home)[1]
    keys.revoke(home, "--from-seq", seq + 2)
    assert keys.submit(home) == (410, 0)                                            # it is not for new reports, whatever the seq
    keys.revoke(home, "--from-seq", seq + 100)                                    # only ever earlier
    got = world.client["ana"].request("DIRECTORY", pb.Directory(key_ids=[home.key_id]))
    assert [k.revoked_from_seq for k in got.keys] == [seq + 2]


def test_a_key_outside_its_time(world, keys):                                    # 49
    assert keys.submit(keys.add("--valid-from", "2999-01-01"))[0] == 401
    keys.n = next(_fresh)
    assert keys.submit(keys.add("--valid-until", "2020-01-01"))[0] == 401
    keys.n = next(_fresh)
    assert keys.submit(keys.add("--valid-from", "2020-01-01", "--valid-until", "2999-01-01"))[0] == 200
    assert world.served()


def bundle_with(name, public, signature):
    return f"isac-member 1\nname {name}\ncurve_public {'ab' * 32}\nsign_public {public}\nsignature {signature}\n".encode()


# Encodings of points of small order (RFC 8032's curve): 0, 1, -1, two of order 8, one of them non-canonical
SMALL = ["00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
         "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "ed" + "ff" * 30 + "7f"]


@pytest.mark.parametrize("public", SMALL)
def test_keys_of_small_order_are_not_enrolled(world, public):                     # 46
    count = world.hub.sql("SELECT count(*) FROM member_key")
    for signature in ("00" * 64, "01" + "00" * 63):
        for verb, args in (("member.add", [("role", "publisher")]), ("key.add", [("member", "alice")])):
            name = "alice" if verb == "key.add" else "zero"
            got = world.admin.control(verb, [("bundle", bundle_with(name, public, signature)), *args])
            assert got.code == 401, got.text
    assert world.hub.sql("SELECT count(*) FROM member_key") == count


# ---- filters (81, 82)

def ask_by(world, how, text):
    """The reply to a filter (bytes) as a query or as a subscription."""
    if how == "query":
        return world.client["ana"].request("QUERY", kit.field(1, text) + b"\x28\x01")         # limit 1
    with Feed(world.home["ana"], world.hub.feed_endpoint) as socket:
        return socket.request("SUBSCRIBE", kit.field(2, text) + b"\x18\x02\x28\x80\x80\x04")        # from now, credit 65,536


@pytest.mark.parametrize("how", ["query", "subscribe"])
@pytest.mark.parametrize("recipe", kit.recipes(filters=True), ids=lambda r: r.name)
def test_a_filter_gets_its_code(world, recipe, how):
    before = kit.stats(world.admin)
    got = ask_by(world, how, kit.filter_of(recipe.what["filter"]))
    now = kit.stats(world.admin)
    counter = {"query": "query", "subscribe": "feed"}[how]
    if recipe.code == 200:
        assert isinstance(got, (pb.QueryResult, pb.Subscribed))
        assert now[f"{counter}.refused"] == before[f"{counter}.refused"]
        return
    assert isinstance(got, pb.Error) and got.code == recipe.code, got
    assert got.column == recipe.what["column"] and got.text and (got.expected or not got.column)
    assert now[f"{counter}.refused"] == before[f"{counter}.refused"] + 1
    world.delivered(world.served())
    assert pages(world.client["ana"], "asn = 1 and asn = 2") == ([], set())


# ---- cursors and credit (83, 84)

def next_error(socket):
    """What a session is told, heartbeats aside."""
    while True:
        got = socket.receive()[1]
        if not isinstance(got, pb.Heartbeat):
            return got


def refused(got, code):
    assert isinstance(got, pb.Error) and got.code == code and got.text, got


def subscribe(world, who="ana", start=pb.Subscribe.FROM_NOW, **fields):
    socket = Feed(world.home[who], world.hub.feed_endpoint)
    return socket, socket.subscribe(**{"from": start}, **fields)


@pytest.mark.parametrize("beyond", [1, 1000, 2**62, 2**63 - 1, 2**63, 2**64 - 1], ids=str)
def test_a_position_beyond_the_head(world, beyond):                              # 83
    head = world.served()
    world.delivered(head)
    before = kit.stats(world.admin)
    seq = head + beyond if beyond < 2**62 else beyond                               # 2^64 - 1 is what a negative one becomes
    socket, got = subscribe(world, start=pb.Subscribe.FROM_SEQ, seq=seq)
    refused(got, 416)
    assert kit.stats(world.admin)["feed.refused"] == before["feed.refused"] + 1
    assert isinstance(socket.subscribe(**{"from": pb.Subscribe.FROM_SEQ, "seq": head}), pb.Subscribed)      # the same connection serves
    socket.close()


@pytest.mark.parametrize("cursor", [b"x", bytes(20), b"\xff" * 20, b"\xff" * 19, b"\xff" * 21, bytes(1000)], ids=lambda c: f"{len(c)}-{c[:1].hex()}")
def test_a_cursor_that_is_none_of_ours(world, cursor):                           # 83
    before = kit.stats(world.admin)
    refused(world.client["ana"].request("QUERY", pb.Query(filter="true", cursor=cursor)), 416)
    assert kit.stats(world.admin)["query.refused"] == before["query.refused"] + 1
    world.delivered(world.served())


def test_a_cursor_of_another_question_or_member(world):                          # 83
    for _ in range(2):
        seq = world.served()
    world.delivered(seq)
    ask = lambda name, text, cursor: world.client[name].request("QUERY", pb.Query(filter=text, limit=1, cursor=cursor, wait_seq=seq))
    cursor = ask("ana", "type = ipv4", b"").cursor
    assert len(cursor) == 20
    refused(ask("bob", "type = ipv4", cursor), 416)
    refused(ask("ana", "type = domain", cursor), 416)
    for i in range(20):
        refused(ask("ana", "type = ipv4", cursor[:i] + bytes([cursor[i] ^ 1]) + cursor[i + 1:]), 416)
    assert len(ask("ana", "type = ipv4", cursor).entries) == 1


def test_numbers_of_a_query_at_their_ends(world):
    seq = world.served()
    world.delivered(seq)
    ask = lambda **kw: world.client["ana"].request("QUERY", pb.Query(filter="type = ipv4", **kw))
    assert ask(wait_seq=seq, as_of_seq=2**64 - 1, limit=1).entries[0].seq == seq        # nothing is hidden
    assert ask(as_of_seq=2**63, limit=1).entries[0].seq == seq
    assert not ask(since_us=2**63 - 1, limit=1).entries and not ask(until_us=1, limit=1).entries
    assert ask(limit=2**32 - 1).entries
    refused(ask(since_us=-1), 422)
    refused(ask(until_us=-2**63), 422)


@pytest.mark.parametrize("credit", [0, LIMIT["CREDIT_BYTES"] + 1, 2**31, 2**32 - 1])
def test_credit_of_a_subscription(world, credit):                                # 84
    until("those of earlier stories are closed", lambda: kit.stats(world.admin)["feed.sessions"] == 1)
    before = kit.stats(world.admin)
    socket, got = subscribe(world, credit_bytes=credit)
    refused(got, 422)
    after = kit.stats(world.admin)
    assert after["feed.refused"] == before["feed.refused"] + 1 and after["feed.sessions"] == before["feed.sessions"]
    assert isinstance(socket.subscribe(**{"from": pb.Subscribe.FROM_NOW, "credit_bytes": 1}), pb.Subscribed)
    socket.close()


@pytest.mark.parametrize("more", [1, LIMIT["CREDIT_BYTES"] + 1, 2**31, 2**32 - 1])
def test_credit_on_top(world, more):                                             # 84
    socket, _ = subscribe(world)
    before = kit.stats(world.admin)
    socket.credit(more)
    refused(next_error(socket), 422)
    assert kit.stats(world.admin)["feed.refused"] == before["feed.refused"] + 1
    seq = world.served()                                                          # the session goes on
    assert [e.seq for e in socket.until_heartbeat(seq)[0]] == [seq]
    world.delivered(seq)
    socket.close()


def test_acknowledging_what_was_not_sent(world):                                 # 84
    name = f"ack-{next(_fresh)}"
    socket, got = subscribe(world, name=name)
    position = got.position
    for acked in (position + 1, 2**63, 2**64 - 1):
        before = kit.stats(world.admin)
        socket.credit(0, acked)
        refused(next_error(socket), 409)
        assert kit.stats(world.admin)["feed.refused"] == before["feed.refused"] + 1
    seq = world.served()
    _, beat = socket.until_heartbeat(seq)
    assert beat.acked_seq == position                                             # no such cursor was kept
    socket.credit(0, seq)
    until("the cursor is kept", lambda: world.hub.sql(f"SELECT acked_seq FROM subscription WHERE name = '{name}'").strip() == str(seq))
    world.delivered(seq)
    socket.close()


def test_sessions_of_others_are_nobodys(world):
    mine, got = subscribe(world)
    theirs, _ = subscribe(world, "bob")
    for sub in (got.sub, 0, 2**32 - 1):
        for kind, message in (("CREDIT", pb.Credit(sub=sub, bytes=1)), ("UNSUBSCRIBE", pb.Unsubscribe(sub=sub, forget=True))):
            theirs.send(kind, message)
            refused(next_error(theirs), 404)
    seq = world.served()
    assert [e.seq for e in mine.until_heartbeat(seq)[0]] == [seq]
    world.delivered(seq)
    mine.close()
    theirs.close()


def test_a_subscription_must_say_where(world):
    socket, got = subscribe(world, start=pb.Subscribe.FROM_CURSOR)
    refused(got, 422)
    for name in ("A", "a b", "../x", "x" * 65, "'; DROP TABLE subscription;--", "\u00e9"):
        refused(socket.subscribe(**{"from": pb.Subscribe.FROM_NOW, "name": name}), 422)
    socket.close()


def test_a_33rd_name_is_too_many(world):
    for i in range(LIMIT["SUBSCRIPTIONS"]):
        socket, got = subscribe(world, "bob", name=f"many-{i}")
        assert isinstance(got, pb.Subscribed)
        socket.close()
    socket, got = subscribe(world, "bob", name="many-33")
    refused(got, 413)
    socket.close()


def test_below_what_is_kept(make_hub):                                           # 83
    """What retention removed: a position there is refused, and who starts at the start is told of the gap."""
    one = make_hub()
    alice, bob = one.enrol("alice"), one.enrol("bob", "subscriber")
    for n in range(1, 6):
        alice.publish(f"93.184.216.{n}")
    bob.json("subscribe", "--name", "soc", "--from", "start", "--count", "1")
    one.sql("DELETE FROM report WHERE seq <= 3")
    one.stop()
    one.start()                                                                   # nothing of it is in memory now
    home = kit.home_of(bob)
    with Feed(home, one.feed_endpoint) as socket:
        for seq in (1, 2):
            refused(socket.subscribe(**{"from": pb.Subscribe.FROM_SEQ, "seq": seq}), 416)
        assert isinstance(socket.subscribe(**{"from": pb.Subscribe.FROM_SEQ, "seq": 3}), pb.Subscribed)
        assert [e.seq for e in socket.until_heartbeat(5)[0]] == [4, 5]
    with Feed(home, one.feed_endpoint) as socket:
        assert socket.subscribe(**{"from": pb.Subscribe.FROM_START}).position == 0
        _, gap = socket.next()
        assert isinstance(gap, pb.Gap) and (gap.first_seq, gap.last_seq) == (1, 3)
        assert [e.seq for e in socket.until_heartbeat(5)[0]] == [4, 5]


def test_what_is_not_for_me_does_not_break_the_chain(make_hub):
    """Reports that a live session gets nothing of lie inside the range of its next delivery (proto/README.md section 7)."""
    one = make_hub("heartbeat_ms=60000")
    alice, bob = one.enrol("alice"), one.enrol("bob", "subscriber")
    with Feed(kit.home_of(bob), one.feed_endpoint) as socket:
        assert socket.subscribe(**{"from": pb.Subscribe.FROM_START, "filter": "type = domain"}).position == 0
        assert isinstance(socket.next()[1], pb.Heartbeat)                           # it has caught up
        for value in ("8.8.8.8", "93.184.216.1", "evil.example"):
            alice.publish(value)
        head, batch = socket.next()                                               # a break of the chain would raise
        assert (head.prev_seq, head.last_seq) == (0, 3) and [e.seq for e in batch.entries] == [3]


# ---- the command line refuses nonsense itself, and says what would be right

NONSENSE = [
    ("publish --tlp purple", 2, "amber+strict"), ("publish", 2, "--tlp is missing"), ("publish --tlp red", 2, "--to"),
    ("publish --tlp green --to bob", 2, "only a red report"), ("publish --tlp green --confidence 101", 2, "0 to 100"),
    ("publish --tlp green --confidence NaN", 2, "0 to 100"), ("publish --tlp green --batch 1001", 2, "1 to 1000"),
    ("publish --tlp green --type colour", 2, "ipv4, ipv6"), ("publish --tlp green --format xml", 2, "jsonl, csv, plain, stix or misp"),
    ("publish --tlp green --valid-for soon", 2, "30d"), ("publish --tlp green --group A", 2, "group"), ("publish --tlp green /", 2, "directory"),
    ("subscribe --from -1", 2, "sequence number"), ("subscribe --from 99999 --idle-exit 1", 1, "--from start"), ("subscribe --count 0", 2, "from 1"),
    ("subscribe --name A", 2, "lower-case"), ("query --since yesterday", 2, "7d"), ("query --as-of x", 2, "whole number"),
    ("query value~x", 2, "expected"), ("query value.like.x", 2, "a field"), ("--timeout nan status", 2, "seconds"), ("--hub http://x status", 2, "tcp://"),
    ("frobnicate", 2, "no command"), ("publish --frobnicate", 2, "unrecognized"), ("admin key revoke zz", 1, "hex"), ("admin member", 2, "command after it"),
]


@pytest.mark.parametrize("line, status, says", NONSENSE, ids=lambda x: str(x)[:40])
def test_the_command_line_refuses_nonsense(world, line, status, says):
    member = world.hub.admin if line.startswith("admin") else world.member["alice"]
    count = world.stored()
    done = member.isac(*line.split(), ok=(status,), stdin="198.51.100.7\n")
    assert says in done.stderr and not done.stdout and world.stored() == count


LINES = {       # each refused by itself: line -> what is said of it
    '{"value":"198.51.100.7","confidence":101}': "confidence '101'", '{"value":"198.51.100.7","confidence":NaN}': "not JSON",
    '{"value":"198.51.100.7","confidence":-1}': "confidence '-1'", '{"value":"198.51.100.7","confidence":1e400}': "not JSON", "[]": "not a JSON object",
    '{"type":"ipv4","value":"evil.example"}': "ipv4", '{"value":"10.0.0.1"}': "RFC 1918", '{"value":"192.0.2.7/24"}': "host bits",
    '{"type":"domain","value":"co.uk"}': "public suffix", '{"value":"http://u:p@evil.example/"}': "user information",
    '{"value":"198.51.100.7","valid_from":"2026-01-02","valid_until":"2026-01-01"}': "valid_until", '{"type":"ipv4","value":"010.0.0.1"}': "leading zeros",
}


def test_the_command_line_lists_refused_lines_and_sends_the_rest(world):
    text = "".join(line + "\n" for line in LINES) + '{"value":"93.200.0.1"}\n'
    done = world.member["alice"].isac("--json", "publish", "--tlp", "green", "--format", "jsonl", stdin=text, ok=(4,))
    for number, says in enumerate(LINES.values(), 1):
        assert any(line.startswith(f"stdin:{number}: ") and says in line for line in done.stderr.splitlines()), (number, says, done.stderr)
    assert [receipt["items"] for receipt in map(json.loads, done.stdout.splitlines())] == [1]


def test_bytes_that_are_no_text_are_refused_aloud(world):
    """UTF-16 without a mark: every line begins with NUL and looks empty to who stops there."""
    text = "198.51.100.7\n".encode("utf-16-be").decode("latin-1")
    done = world.member["alice"].isac("publish", "--tlp", "green", stdin=text, ok=(1,))
    assert "stdin:1: the line holds a NUL byte" in done.stderr
