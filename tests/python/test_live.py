"""The Python member against a live hub, and beside the command line `isac`."""
import secrets
import uuid

import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

import hub as hubs
import test_vectors
from isac1 import bundle, feed, merkle, receipt, report, sign, value
from isac1.client import PATIENCE_MS, Client, Feed, Silence
from isac1.frame import Head
from isac1.messages import pb
from isac1.scan import Refused
from isac1.tables import FRAME, LIMIT, TYPE, VALUE_NUMBER as N

IPV4, DOMAIN = N["ipv4"], N["domain"]
_numbers = iter(range(1, 1 << 16))


def fresh():
    """An address that no test used before."""
    n = next(_numbers)
    return f"93.{n >> 8}.{n & 255}.7"


def addresses(count, **more):
    return [report.indicator(IPV4, fresh(), **more) for _ in range(count)]


class Python:
    """A member whose home, enrolment and connection are all Python's."""

    def __init__(self, hub, name, role="publisher,subscriber"):
        self.home = bundle.keygen(hub.folder.parent / f"py-{name}", name, (hub.folder / "hub.pub").read_bytes(), hub.request_endpoint)
        self.hub, self.name = hub, name
        with Client(bundle.Home(hub.folder / "admin"), hub.request_endpoint) as admin:
            got = admin.control("member.add", [("bundle", self.home.member_pub), ("role", role)])
        assert got.code == 200, got.text
        self.client = Client(self.home, hub.request_endpoint)

    def report(self, items, **kw):
        return report.Report(self.home, items, **kw)

    def publish(self, items, **kw):
        """Publishes and proves the receipt; returns (report, receipt, body)."""
        made = self.report(items, **kw)
        got = self.client.publish(made)
        assert got.code in (200, 202), (got.code, got.text)
        return made, got, self.proved(got, made)

    def proved(self, got, made):
        return receipt.verify(got, self.home.hub.hub_id, self.home.hub.receipt_public, made.id, made.header)

    def feed(self):
        return Feed(self.home, self.hub.feed_endpoint)

    def command_line(self):
        """The same home in the hands of `isac`."""
        return hubs.Member(self.hub, self.name, self.home.folder)


@pytest.fixture
def enrol(hub):
    made = []

    def one(name, role="publisher,subscriber"):
        made.append(Python(hub, name, role))
        return made[-1]

    yield one
    for member in made:
        member.client.close()


@pytest.fixture
def anna(enrol):
    return enrol("anna")


@pytest.fixture
def admin(hub):
    with Client(bundle.Home(hub.folder / "admin"), hub.request_endpoint) as client:
        yield client


# ---- homes and enrolment ---------------------------------------------------------------------------------------------------------

def test_homes_made_by_isac_are_what_the_page_says(hub, alice):
    home = bundle.Home(alice.home)
    assert home.name == "alice" and bundle.MemberBundle(home.member_pub).curve_public == home.curve_public
    assert bundle.MemberBundle(home.member_pub).sign_public == sign.public_of(home.seed)
    assert (home.folder / "hub.pub").read_bytes() == (hub.folder / "hub.pub").read_bytes()


def test_enrolling_again(hub, anna, admin):
    args = [("bundle", anna.home.member_pub), ("role", "publisher")]
    assert admin.control("member.add", args).code == 409
    assert admin.control("no.such", []).code == 404
    assert admin.control("member.add", args[:1]).code == 422
    assert admin.control("member.add", args + [("colour", "red")]).code == 422
    assert anna.client.control("member.list", []).code == 403


def test_commands_are_recorded_once(anna, admin):
    control = admin.command("group.add", [("name", "exercise")])
    assert admin.request("CONTROL", control).code == 200
    assert admin.request("CONTROL", control).code == 208
    same_id = pb.Command.FromString(control.command).command_id
    assert admin.control("group.add", [("name", "other")], command_id=same_id).code == 409
    assert admin.control("group.add", [("name", "exercise")]).code == 409
    assert admin.control("group.join", [("group", "exercise"), ("member", "anna")]).code == 200
    assert admin.control("group.join", [("group", "exercise"), ("member", "anna")]).code == 200
    assert admin.control("group.add", [("name", "x")], command_id=bytes(16)).code == 422
    forged = admin.command("group.add", [("name", "forged")])
    forged.signature = bytes(64)
    assert admin.request("CONTROL", forged).code == 401


def test_a_stranger_does_not_get_in(hub):
    home = bundle.keygen(hub.folder.parent / "stranger", "stranger", (hub.folder / "hub.pub").read_bytes(), hub.request_endpoint)
    with Client(home, None) as client:
        monitor = client.zmq.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED)
        client.zmq.connect(hub.request_endpoint)
        assert monitor.poll(PATIENCE_MS), "the handshake neither held nor failed"
        assert recv_monitor_message(monitor)["event"] == zmq.EVENT_HANDSHAKE_FAILED_AUTH
        client.zmq.disable_monitor()


# ---- reports ---------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("count", [1, 3, 1000])
def test_publish(anna, count):
    made, got, body = anna.publish(addresses(count))
    assert got.code == 200 and not got.held and body.seq >= 1
    assert body.received_us >= pb.Header.FromString(made.header).created_us


def test_many_receipts_of_one_commit(anna):
    """Reports sent without waiting: their receipts come in any order and may share a signature."""
    sent = {}
    for _ in range(64):
        made = anna.report(addresses(2))
        sent[anna.client.send("SUBMIT", made.submit)] = made
    seqs, sizes = set(), set()
    while sent:
        head, got = anna.client.receive()
        seqs.add(anna.proved(got, sent.pop(head.request_id)).seq)
        sizes.add(got.batch_size)
    assert len(seqs) == 64 and max(sizes) > 1


def test_the_same_report_again(anna):
    made, first, _ = anna.publish(addresses(3))
    again = anna.client.publish(made)
    assert again.code == 208 and again.body == first.body
    anna.proved(again, made)


def test_the_same_id_with_other_bytes(anna):
    made, _, _ = anna.publish(addresses(1))
    other = anna.report(addresses(1), change=lambda header: setattr(header, "report_id", made.id))
    got = anna.client.publish(other)
    assert got.code == 409 and not got.body and got.report_id == made.id


def altered(made, **fields):
    submit = pb.Submit.FromString(made.submit.SerializeToString())
    for name, data in fields.items():
        setattr(submit, name, data)
    return submit


def test_forgeries(anna, enrol):
    ben = enrol("ben")
    made = anna.report(addresses(2))
    ask = lambda submit: anna.client.request("SUBMIT", submit).code
    flipped = made.signature[:5] + bytes([made.signature[5] ^ 1]) + made.signature[6:]
    assert ask(altered(made, signature=flipped)) == 401
    assert ask(altered(made, signature=b"")) == 401
    assert ask(altered(made, signature=made.signature[:63])) == 400
    assert ask(altered(made, signature=sign.sign(anna.home.seed, "report", "0123456789abcdef", made.header))) == 401
    assert ask(altered(made, signature=sign.sign(anna.home.seed, "command", anna.home.hub.hub_id, made.header))) == 401
    assert ask(altered(made, member="ben")) == 403
    assert ask(altered(made, member="nobody")) == 403
    assert ask(altered(ben.report(addresses(1)), member="anna")) == 401         # ben's key on anna's connection
    assert ask(altered(made, payload=anna.report(addresses(2)).submit.payload)) == 401
    assert ask(made.submit) == 200, "refusals must leave no trace"


def refused(member, items, **kw):
    got = member.client.publish(member.report(items, **kw))
    assert not got.body and not got.hub_signature
    return got.code, got.item


def header_set(**fields):
    def change(header):
        for name, data in fields.items():
            setattr(header, name, data)
    return change


def test_rules_of_a_report(anna, enrol):
    reader = enrol("reader", "subscriber")
    one = addresses(1)
    now = report.now_us()
    assert refused(reader, one) == (403, 0)
    for change, code in [(dict(report_id=bytes(16)), 422), (dict(report_id=bytes(15)), 422), (dict(created_us=now + 400 * 10**6), 425),
                         (dict(created_us=now - 8 * 86400 * 10**6), 422), (dict(kind=0), 422), (dict(kind=2), 422), (dict(tlp=0), 422),
                         (dict(tlp=6), 422), (dict(item_count=2), 422), (dict(items_root=bytes(32)), 401), (dict(key_id=bytes(8)), 401)]:
        assert refused(anna, one, change=header_set(**change)) == (code, 0), change
    assert refused(anna, one, groups=["nowhere"]) == (422, 0)
    assert refused(anna, one, recipients=["reader"]) == (422, 0)
    assert refused(anna, one, tlp=pb.TLP_RED) == (422, 0)
    assert refused(anna, one, tlp=pb.TLP_RED, recipients=["anna"]) == (422, 0)
    assert refused(anna, one, tlp=pb.TLP_RED, recipients=["nobody"]) == (422, 0)
    assert refused(anna, one, groups=[f"g{i}" for i in range(17)])[0] == 413
    assert refused(anna, []) == (422, 0)
    assert refused(anna, addresses(1001))[0] == 413


def test_rules_of_items(anna):
    good = addresses(2)
    for bad, code in [(report.indicator(IPV4, "10.0.0.1"), 422), (b"\x0a\x01\xff", 400), (b"", 400), (report.indicator(0, "1.2.3.4"), 422),
                      (good[0], 422), (report.indicator(IPV4, fresh(), confidence_plus1=102), 422), (report.indicator(IPV4, fresh(), tags=["x"] * 33), 413),
                      (report.indicator(IPV4, fresh(), tags=[""]), 422), (report.indicator(IPV4, fresh(), country="at"), 422),
                      (report.indicator(IPV4, fresh(), first_seen_us=5, last_seen_us=4), 422), (report.indicator(IPV4, fresh(), valid_from_us=5, valid_until_us=5), 422),
                      (report.indicator(IPV4, fresh(), description="a\u202eb"), 422), (report.indicator(IPV4, fresh(), references=["x"] * 17), 413)]:
        assert refused(anna, [*good, bad]) == (code, 3), bad


def test_held_values(anna, enrol):
    made, got, body = anna.publish([report.indicator(IPV4, "8.8.8.8"), *addresses(1), report.indicator(DOMAIN, "google.com")])
    assert got.code == 202 and list(got.held) == [0, 2]
    again = anna.client.publish(made)
    assert (again.code, again.body) == (208, got.body)
    reader = enrol("reader", "subscriber")
    with reader.feed() as line:
        line.subscribe(**{"from": pb.Subscribe.FROM_START})
        entries, _ = line.until_heartbeat(body.seq)
    assert [[item.index for item in entry.items] for entry in entries] == [[1]]
    held = anna.client.request("QUERY", pb.Query(filter="true", held=True, wait_seq=body.seq))
    assert sorted((entry.state, *[item.index for item in entry.items]) for entry in held.entries) == [(0, 1), (1, 0, 2)]
    for entry in held.entries:
        feed.check_entry(entry, anna.client.keyring())
    assert [e.state for e in reader.client.request("QUERY", pb.Query(filter="true", held=True, wait_seq=body.seq)).entries] == [0]


# ---- frames ----------------------------------------------------------------------------------------------------------------------

def error_of(client):
    head, got = client.receive()
    assert isinstance(got, pb.Error), got
    return head.request_id, got.code


def test_wrong_frames(anna):
    head, body = Head(TYPE["STATUS"], 77).pack(), b""
    for frames in [(head, body, b""), (head,), (b"", head, body)]:
        anna.client.send_raw(*frames)
        assert error_of(anna.client)[1] == 400
    for bad in [head[:15], head + b"\0", b"ISC2" + head[4:], head[:7] + b"\1" + head[8:], Head(0x7777, 5).pack(), Head(TYPE["RECEIPT"], 5).pack()]:
        anna.client.send_raw(bad, body)
        assert error_of(anna.client)[1] == 400
    anna.client.send_raw(Head(TYPE["QUERY"], 5).pack(), b"")
    assert error_of(anna.client) == (5, 400)
    anna.client.send_raw(Head(TYPE["SUBSCRIBE"], 6).pack(), pb.Subscribe(credit_bytes=1).SerializeToString())
    assert error_of(anna.client)[1] == 400                                       # a feed's frame on the request port
    assert anna.client.request("STATUS", b"").hub_id == anna.home.hub.hub_id


def test_refused_frames_of_the_vectors(anna):
    """The hub gives the codes of frame_refused.txt as well, in whatever reply the frame's type has."""
    with anna.feed() as line:
        for case in test_vectors.cases("frame_refused.txt"):
            of_feed = len(case.head) == 16 and FRAME.get(int.from_bytes(case.head[4:6], "big"), ("", "R"))[1] == "F"
            port = line if of_feed else anna.client
            port.send_raw(case.head, case.body * (case.times if "times" in case else 1))
            assert port.receive()[1].code == case.code, case.case


def test_a_set_routing_id_is_403(hub, anna):
    with Client(anna.home, None) as client:
        client.zmq.setsockopt(zmq.ROUTING_ID, b"anna")
        client.zmq.connect(hub.request_endpoint)
        assert client.request("STATUS", b"").code == 403


# ---- feeds -----------------------------------------------------------------------------------------------------------------------

def shown(entries):
    return [(entry.seq, feed.indexes(entry)) for entry in entries]


def test_subscribe_and_verify_everything(anna, enrol):
    reader = enrol("reader", "subscriber")
    _, _, one = anna.publish(addresses(1, tags=["keep"]))
    mixed = [report.indicator(IPV4, fresh(), tags=["keep"] if i % 7 == 3 else []) for i in range(1000)]
    made, _, many = anna.publish(mixed)
    _, _, none = anna.publish(addresses(3))
    ring = reader.client.keyring()
    with reader.feed() as line:
        got = line.subscribe(filter='tag = "keep"', **{"from": pb.Subscribe.FROM_START})
        assert got.position == 0 and got.head_seq == none.seq and got.filter == 'tag = "keep"'
        entries, beat = line.until_heartbeat(none.seq)
    assert shown(entries) == [(one.seq, [0]), (many.seq, [i for i in range(1000) if i % 7 == 3])]
    for entry in entries:
        header, items = feed.check_entry(entry, ring)
        assert all("keep" in item.indicator.tags for item in items) and entry.publisher == "anna" and entry.state == 0
    last = entries[-1]
    assert [i.item for i in last.items] == [mixed[i.index] for i in last.items] and [i.salt for i in last.items] == [made.salts[i.index] for i in last.items]
    assert list(last.proof) == merkle.multiproof(made.leaves, [i.index for i in last.items])
    last.items[0].salt = bytes(16)
    with pytest.raises(Refused):
        feed.check_entry(last, ring)


def test_only_a_whole_report_comes_with_its_secret(anna, enrol):
    """Three reports: all of it matches, a part does, and all does but for a held item that nobody else may see."""
    reader = enrol("reader", "subscriber")
    tagged = [report.indicator(IPV4, fresh(), tags=["whole"]) for _ in range(6)]
    whole, _, _ = anna.publish(tagged[:3])
    part, _, _ = anna.publish([*tagged[3:5], *addresses(1)])
    with_held, _, last = anna.publish([tagged[5], report.indicator(IPV4, "8.8.8.8", tags=["whole"])])
    ring, text = reader.client.keyring(), 'tag = "whole"'
    with reader.feed() as line:
        line.subscribe(filter=text, **{"from": pb.Subscribe.FROM_START})
        entries, _ = line.until_heartbeat(last.seq)
    queried = reader.client.request("QUERY", pb.Query(filter=text, held=True, wait_seq=last.seq)).entries[::-1]
    for got in entries, queried:
        assert [e.secret for e in got] == [whole.secret, b"", b""]
        assert [feed.indexes(e) for e in got] == [[0, 1, 2], [0, 1], [0]]
        assert [[len(i.salt) for i in e.items] for e in got] == [[0] * 3, [16] * 2, [16]]
        assert part.secret not in got[1].SerializeToString() and with_held.secret not in got[2].SerializeToString()
        for entry in got:
            feed.check_entry(entry, ring)
    mine = anna.client.request("QUERY", pb.Query(filter=text, held=True, wait_seq=last.seq)).entries
    assert [e.state for e in mine[:2]] == [0, 1] and not any(e.secret for e in mine[:2])


def test_credit_holds_the_feed_back(anna, enrol):
    reader = enrol("reader", "subscriber")
    seqs = [anna.publish(addresses(200))[2].seq for _ in range(4)]
    with reader.feed() as line:
        line.subscribe(credit_bytes=1, **{"from": pb.Subscribe.FROM_START})
        got = []
        while True:
            try:
                head, message = line.next()
            except Silence:
                pytest.fail("nothing came")
            if isinstance(message, pb.Batch):
                got += [entry.seq for entry in message.entries]
                if got == seqs:
                    break
            elif isinstance(message, pb.Heartbeat):
                assert got and message.position == got[-1] < seqs[-1], "the feed stands still until credit is granted"
                line.credit(LIMIT["CREDIT_BYTES"], acked=got[-1])
        _, beat = line.until_heartbeat(seqs[-1])
        assert beat.position == seqs[-1]


def test_credit_of_wrong_size(anna, enrol):
    reader = enrol("reader", "subscriber")
    for credit in (0, LIMIT["CREDIT_BYTES"] + 1):
        with reader.feed() as line:
            assert line.request("SUBSCRIBE", pb.Subscribe(credit_bytes=credit, **{"from": pb.Subscribe.FROM_NOW})).code == 422
    with reader.feed() as line:
        line.subscribe(**{"from": pb.Subscribe.FROM_NOW})
        line.credit(LIMIT["CREDIT_BYTES"] + 1)
        assert error_in(line)[1].code == 422


def error_in(line):
    """The next ERROR of a feed connection; what else comes is passed over."""
    while True:
        head, message = line.receive()
        if isinstance(message, pb.Error):
            return head, message


def ends_with(line, code):
    """An ERROR that names the session ends it."""
    _, message = error_in(line)
    return message.code == code and message.sub == line.session.sub


def test_live_delivery_ack_and_resume(anna, enrol):
    reader = enrol("reader", "subscriber")
    first = anna.publish(addresses(2))[2].seq
    with reader.feed() as line:
        line.subscribe(name="desk", **{"from": pb.Subscribe.FROM_START})
        entries, _ = line.until_heartbeat(first)
        assert [e.seq for e in entries] == [first]
        second = anna.publish(addresses(2))[2].seq
        entries, _ = line.until_heartbeat(second)
        assert [e.seq for e in entries] == [second]
        line.credit(0, acked=first)
        while line.until_heartbeat()[1].acked_seq != first:
            pass
    with reader.feed() as line:
        got = line.subscribe(name="desk")
        assert got.position == first
        entries, _ = line.until_heartbeat(second)
        assert [e.seq for e in entries] == [second]
        line.credit(0, acked=second + 1)
        assert error_in(line)[1].code == 409
    status = reader.client.request("STATUS", b"")
    assert [(s.name, s.acked_seq, s.lag) for s in status.subscriptions] == [("desk", first, second - first)]


def test_where_a_session_begins(anna, enrol):
    reader = enrol("reader", "subscriber")
    seqs = [anna.publish(addresses(1))[2].seq for _ in range(3)]
    for fields, position in [({"from": pb.Subscribe.FROM_NOW}, seqs[-1]), ({"from": pb.Subscribe.FROM_SEQ, "seq": seqs[0]}, seqs[0]),
                             ({"name": "new"}, seqs[-1])]:
        with reader.feed() as line:
            assert line.subscribe(**fields).position == position
            entries, _ = line.until_heartbeat(seqs[-1])
            assert [e.seq for e in entries] == [s for s in seqs if s > position]
    for fields, code in [({"from": pb.Subscribe.FROM_SEQ, "seq": seqs[-1] + 1}, 416), ({}, 422), ({"filter": "value =", "name": "s"}, 400),
                         ({"filter": "sightings > 1", "name": "s"}, 400)]:
        with reader.feed() as line:
            got = line.subscribe(**fields)
            assert isinstance(got, pb.Error) and got.code == code, (fields, got)


def test_a_name_is_taken_over(anna, enrol):
    reader = enrol("reader", "subscriber")
    with reader.feed() as old, reader.feed() as new:
        old.subscribe(name="desk", **{"from": pb.Subscribe.FROM_NOW})
        new.subscribe(name="desk")
        assert ends_with(old, 409)


def test_roles_of_readers(enrol):
    writer = enrol("writer", "publisher")
    with writer.feed() as line:
        assert line.subscribe(**{"from": pb.Subscribe.FROM_NOW}).code == 403
    assert writer.client.request("QUERY", pb.Query(filter="true")).code == 403


def test_red_and_groups(anna, enrol, admin):
    ben, cleo = enrol("ben", "subscriber"), enrol("cleo", "subscriber")
    assert admin.control("group.add", [("name", "desk")]).code == 200
    assert refused(anna, addresses(1), groups=["desk"]) == (422, 0)
    for name in ("anna", "cleo"):
        assert admin.control("group.join", [("group", "desk"), ("member", name)]).code == 200
    assert refused(anna, addresses(2), tlp=pb.TLP_RED, recipients=["ben"]) == (422, 0)         # in clear
    red = anna.publish(addresses(2), tlp=pb.TLP_RED, recipients=["ben"], readers={m.name: m.home.curve_public for m in (anna, ben)})[2].seq
    group = anna.publish(addresses(2), tlp=pb.TLP_AMBER, groups=["desk"])[2].seq
    for member, seqs in [(anna, [red, group]), (ben, [red]), (cleo, [group])]:
        with member.feed() as line:
            line.subscribe(**{"from": pb.Subscribe.FROM_START})
            entries, _ = line.until_heartbeat(group)
        ring = member.client.keyring()
        assert [e.seq for e in entries] == seqs and all(len(feed.check_entry(e, ring, member.home)[1]) == 2 for e in entries)
        page = member.client.request("QUERY", pb.Query(filter="true", wait_seq=group))
        assert [e.seq for e in page.entries] == seqs[::-1]


# ---- directory, keys, query, status ----------------------------------------------------------------------------------------------

def test_directory(anna, enrol):
    ben = enrol("ben")
    ring = anna.client.keyring()
    assert {key.member for key in ring.keys.values()} == {"admin", "anna", "ben"} and ring.admins == {"admin"}
    by_name = anna.client.request("DIRECTORY", pb.Directory(members=["ben", "nobody"])).keys
    by_key = anna.client.request("DIRECTORY", pb.Directory(key_ids=[ben.home.key_id, bytes(8)])).keys
    assert [k.key_id for k in by_name] == [k.key_id for k in by_key] == [ben.home.key_id]
    assert anna.client.request("DIRECTORY", pb.Directory(members=["m"] * 1001)).code == 413
    forged = anna.client.request("DIRECTORY", b"").keys
    for certificate in forged:
        certificate.public_key = sign.public_of(secrets.token_bytes(32))
    assert len(feed.Keyring(anna.home.hub).learn(forged)) == 3, "none of them proves anything"


def test_further_keys_and_revocation(anna, enrol, admin):
    reader = enrol("reader", "subscriber")
    seed = secrets.token_bytes(32)
    more = bundle.member_bundle("anna", secrets.token_bytes(32), seed)
    old = anna.publish(addresses(1))[2].seq
    assert admin.control("key.add", [("member", "anna"), ("bundle", more)]).code == 200
    assert admin.control("key.add", [("member", "reader"), ("bundle", more)]).code in (409, 422)
    assert admin.control("key.revoke", [("key_id", anna.home.key_id.hex())]).code == 200
    assert refused(anna, addresses(1)) == (410, 0)
    anna.home.seed, anna.home.key_id = seed, sign.key_id(sign.public_of(seed))
    new = anna.publish(addresses(1))[2].seq
    with reader.feed() as line:
        line.subscribe(**{"from": pb.Subscribe.FROM_START})
        entries, _ = line.until_heartbeat(new)
    ring = reader.client.keyring()
    assert [feed.check_entry(e, ring)[0].key_id != anna.home.key_id for e in entries] == [True, False]
    assert [e.seq for e in entries] == [old, new]
    assert admin.control("key.revoke", [("key_id", "00" * 8)]).code == 404


def test_key_that_is_valid_later(anna, admin):
    seed = secrets.token_bytes(32)
    more = bundle.member_bundle("anna", secrets.token_bytes(32), seed)
    later = report.now_us() + 3600 * 10**6
    assert admin.control("key.add", [("member", "anna"), ("bundle", more), ("valid_from_us", str(later))]).code == 200
    anna.home.seed, anna.home.key_id = seed, sign.key_id(sign.public_of(seed))
    assert refused(anna, addresses(1)) == (401, 0)
    key = anna.client.keyring().keys[anna.home.key_id]
    assert key.valid_from == later and key.valid_until == 0


def test_query_in_pages(anna):
    made = [anna.publish(addresses(40)) for _ in range(4)]
    last = made[-1][2].seq
    ring = anna.client.keyring()
    cursor, found, pages = b"", [], 0
    while True:
        page = anna.client.request("QUERY", pb.Query(filter="type = ipv4", limit=33, cursor=cursor, wait_seq=last))
        assert isinstance(page, pb.QueryResult) and page.complete_seq >= last
        for entry in page.entries:
            feed.check_entry(entry, ring)
            found += [(entry.seq, item.index) for item in entry.items]
        pages, cursor = pages + 1, page.cursor
        assert sum(len(e.items) for e in page.entries) <= 33
        if not cursor:
            break
        kept = cursor
    assert sorted(found) == [(body.seq, i) for _, _, body in made for i in range(40)] and pages == 5
    assert [seq for seq, _ in found] == sorted((seq for seq, _ in found), reverse=True)
    assert anna.client.request("QUERY", pb.Query(filter="type  = ipv4", cursor=kept)).code == 416
    assert anna.client.request("QUERY", pb.Query(filter="type = ipv4", cursor=b"nonsense")).code == 416
    as_of = anna.client.request("QUERY", pb.Query(filter="true", as_of_seq=made[0][2].seq))
    assert {e.seq for e in as_of.entries} == {made[0][2].seq}
    between = anna.client.request("QUERY", pb.Query(filter="true", since_us=made[1][2].received_us, until_us=made[2][2].received_us))
    assert {e.seq for e in between.entries} == {made[1][2].seq}
    assert anna.client.request("QUERY", pb.Query(filter="true", since_us=-1)).code == 422
    bad = anna.client.request("QUERY", pb.Query(filter="type = nothing"))
    assert bad.code == 400 and bad.column == 8 and bad.expected


def test_status(anna, enrol):
    before = anna.client.request("STATUS", b"")
    assert before.hub_id == anna.home.hub.hub_id and before.last_receipt_seq == 0 and sorted(before.roles) == ["publisher", "subscriber"]
    _, _, body = anna.publish(addresses(1))
    anna.client.request("QUERY", pb.Query(filter="true", wait_seq=body.seq))
    with anna.feed() as line:
        line.subscribe(name="mine", filter="tlp = green", **{"from": pb.Subscribe.FROM_NOW})
        after = anna.client.request("STATUS", b"")
    assert (after.head_seq, after.indexed_seq, after.last_receipt_seq, after.last_receipt_us) == (body.seq, body.seq, body.seq, body.received_us)
    assert after.members == 2 and after.started_us <= after.now_us
    assert [(s.name, s.filter, s.live) for s in after.subscriptions] == [("mine", "tlp = green", True)]


# ---- values ----------------------------------------------------------------------------------------------------------------------

VALUES = {
    "ipv4": "93.184.216.34 198.51.100.1 203.0.113.1 1.2.3 1.2.3.4.5 01.2.3.4 0x7f.0.0.1 2130706433 0.1.2.3 10.1.1.1 100.64.0.1 100.128.0.1 127.0.0.1 169.254.1.1 "
            "172.16.0.1 172.32.0.1 192.0.0.9 192.0.1.1 192.0.2.1 192.168.1.1 198.18.0.1 198.20.0.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 "
            "1.1.1.1 8.8.8.8 9.9.9.9 208.67.220.220 1.1.1.2 256.1.1.1 ::ffff:93.184.216.35",
    "ipv6": "2A00:1450:0:0:0::5 2a00:1450::6/128 [2a00::1] fe80::1 fe80::1%eth0 :: ::1 ::2 fc00::1 fdff::1 ff02::1 2001:db8::1 2001:4860:4860::8888 ::ffff:93.184.216.36 "
            "::ffff:5db8:d825 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::93.184.216.34 2a00:0:0:1:0:0:0:1 2a00:1:0:1:1:1:1:1 2a00:00001::1 1::2::3 2620:fe::fe ::93.184.216.34",
    "cidr": "93.184.216.0/24 93.184.216.1/24 93.184.0.0/15 8.8.8.0/24 8.8.8.8/32 0.0.0.0/0 ::/0 10.0.0.0/24 192.0.0.0/16 192.0.0.0/8 93.184.216.0 93.184.216.0/33 93.184.216.0/+24 "
            "93.184.216.0/024 2a00:1450::/32 2a00::/16 2001:db8::/40 2001:d00::/24 ::ffff:93.184.217.0/120 ::ffff:0:0/96 ::ffff:0:0/95 2001:4860:4860::/48 ::/96 93.184.218.7/32 "
            "::ffff:93.184.0.0/110 93.184.216.0/ 93.184.216.0/24/",
    "domain": "bad.net Bad.NET. x-y.bad.net _dmarc.bad.net com co.uk github.io foo.github.io bad.co.uk -x.bad.net x-.bad.net a..bad.net .bad.net bad.net.. bad.123 bad.0x1f bad.0xzz "
              "google.com www.google.com mail.google.com single foo.unknowntld foo.ck www.ck ab--cd.bad.net bad_net.org x.bad_tld " + "a" * 63 + ".net " + "a" * 64 + ".net " + "a" * 63 + (".b" * 95) + " bad.0x",
    "url": "http://bad.net HTTP://Bad.NET:80/A https://bad.net:443 https://bad.net:80/ https://bad.net:0443/ ftp://bad.net:21/x http://bad.net:/x http://bad.net:0/ http://bad.net:65536/ http://u@bad.net/ "
           "http://bad.net/a@b http://bad.net?q http://bad.net#f http://1.2.3/ http://0x7f.1/ http://2130706433/ http://93.184.216.34/ http://10.0.0.1/ http://[2a00::1]:8080/ "
           "http://[::ffff:93.184.216.34]/ http://[fe80::1]/ gopher://bad.net/ bad.net/x http:bad.net http:///x http://gov.uk/ http://com/ http://google.com/ http://bad.net./ http://bad%2e.net/ "
           "http://bad.net:8a/ http://8.8.8.8/ http://bad.net\\x/ http://93.184.216.034/ http://bad.net:00080/ http://bad.net?a@b http://bad.net/%zz",
    "email": "Eve@Bad.NET @bad.net eve@ eve eve@@bad.net e@v@bad.net eve@gov.uk eve@com eve@93.184.216.34 " + "e" * 64 + "@bad.net " + "e" * 65 + "@bad.net eve@google.com eve@bad.net.",
    "md5": "D41D8CD98F00B204E9800998ECF8427F d41d8cd98f00b204e9800998ecf8427e d41d8cd98f00b204e9800998ecf8427 g41d8cd98f00b204e9800998ecf8427e",
    "sha1": "DA39A3EE5E6B4B0D3255BFEF95601890AFD80708 da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha256": "00" * 32 + " " + "0" * 63,
    "sha512": "0A" * 64,
    "ja3": "d41d8cd98f00b204e9800998ecf8427e e41d8cd98f00b204e9800998ecf8427e",
    "certificate-fingerprint": ":".join(["AB"] * 20) + " " + "AB" * 32 + " " + ":".join(["ab"] * 19) + " AB:" + "AB" * 19 + " " + ":".join(["AB"] * 20) + ": " + "0:" * 40,
    "asn": "AS64500 as15169 15169 AS0 0 015169 23456 64495 64496 64512 65534 65535 65536 65551 65552 4294967294 4294967295 4294967296 99999999999 ASN15170 -1 4200000000",
    "cve": "CVE-2021-44228 cve-2021-0001 CVE-1998-0001 CVE-1999-0001 CVE-2021-044228 CVE-2021-123 CVE-2021-1234567 CVE-2021-12345678 CVE-21-1234 CVE-2021-0000 CVE-9999-1000",
    "bitcoin": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb 3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4 "
               "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5 bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0 "
               "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7 BC1QW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn bc1sw50qgdz25j "
               "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y 5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
}
BLANKS = {"user-agent": ["curl/8", "  curl/9 ", "   ", "a\tb", "\u00a0x"], "filename": [" Evil.EXE", "a/b\\c", "\u0444.exe", "x\u200by"], "mutex": ["Global\\x", ""],
          "registry-key": ["hklm\\Software\\X", "HKEY_users\\S", "HKLM", "hkcc", "HKX\\a", "hkcu \\a", " hku\\b", "HKLM/x", "hklm\\\\y"],
          "url": ["http://bad.net/a b", "http://bad.net/\u00a0", "http://bad.net/\u3042", " http://bad.net/q"], "ipv4": [" 93.184.216.40"], "domain": ["bad .net"],
          "email": ["e ve@bad.net", "\u00e9ve@bad.net"], "asn": ["AS 15171"], "md5": [" d41d8cd98f00b204e9800998ecf8427e"]}


def verdict(kind, text):
    """(code, type, canonical) by this implementation."""
    try:
        found = value.canonical(kind, text)
    except Refused as refused:
        return refused.code, 0, ""
    return (202 if value.held(*found) else 200, *found)


def test_values_as_the_hub_sees_them(anna):
    """Each value in a report of its own: the hub's verdict is ours, and its index knows the value by our canonical form."""
    cases = [(N[name], text) for name, texts in VALUES.items() for text in texts.split(" ")]
    cases += [(N[name], text) for name, texts in BLANKS.items() for text in texts]
    waiting = {anna.client.send("SUBMIT", anna.report([report.indicator(kind, text)]).submit): (kind, text) for kind, text in cases}
    wrong, stored = [], []
    while waiting:
        head, got = anna.client.receive()
        kind, text = waiting.pop(head.request_id)
        want = verdict(kind, text)
        if got.code != want[0]:
            wrong.append((kind, text, f"hub {got.code}, page {want[0]}"))
        elif got.body:
            stored.append((pb.ReceiptBody.FromString(got.body).seq, *want[1:]))
    last = max(seq for seq, *_ in stored)
    for seq, kind, canon in stored:
        quoted = canon.replace("\\", "\\\\").replace('"', '\\"')
        text = f'value starts "{quoted}" and type = {value.VALUE[kind]}'
        page = anna.client.request("QUERY", pb.Query(filter=text, held=True, limit=1000, wait_seq=last))
        if not isinstance(page, pb.QueryResult) or seq not in [entry.seq for entry in page.entries]:
            wrong.append((kind, canon, f"not in the index by this form ({getattr(page, 'text', '')})"))
    assert not wrong, "\n".join(map(str, wrong))


# ---- corners of the page that were settled after both sides had read it differently --------------------------------------------------

def test_a_known_report_with_a_broken_payload_is_judged_by_the_payload(anna):
    made, _, _ = anna.publish(addresses(2))
    assert anna.client.request("SUBMIT", altered(made, payload=b"\xff")).code == 400


def test_a_used_id_with_a_bad_item_is_judged_by_the_item(anna):
    made, _, _ = anna.publish(addresses(1))
    assert refused(anna, [report.indicator(IPV4, "10.0.0.1")], change=header_set(report_id=made.id))[0] == 422


def test_an_empty_control_is_an_error(anna):
    got = anna.client.request("CONTROL", b"")
    assert got.code == 400 and isinstance(got, pb.Error)


def test_long_registry_keys_are_fixed_points(anna):
    """A hive's full name may be too long where its abbreviation was not: then neither is taken."""
    short = "hklm\\" + "y" * (LIMIT["VALUE_BYTES"] - 5)
    full = "HKEY_LOCAL_MACHINE" + short[4:]
    codes = [anna.client.publish(anna.report([report.indicator(N["registry-key"], text)])).code for text in (short, full)]
    assert codes == [422, 422]


# ---- both implementations --------------------------------------------------------------------------------------------------------

def uuid_text(data):
    return str(uuid.UUID(bytes=bytes(data)))


def test_what_python_publishes_isac_verifies(anna, alice):
    item = dict(tags=["botnet", "\u0444"], confidence_plus1=81, raw="93[.]1[.]1[.]1", last_seen_us=1_700_000_000_000_000, description="seen")
    made, _, body = anna.publish([report.indicator(IPV4, "93.1.1.1", **item), *addresses(9), report.indicator(DOMAIN, "Evil.Bad.NET.")])
    lines = alice.json("subscribe", "--from", "start", "--count", "11")
    assert len(lines) == 11 and all(line["verified"] is True and line["seq"] == body.seq and line["publisher"] == "anna" for line in lines)
    assert all(line["report_id"] == uuid_text(made.id) and line["tlp"] == "green" and line["kind"] == "indicator" for line in lines)
    first = lines[0]
    assert (first["value"], first["raw"], first["confidence"], first["tags"]) == ("93.1.1.1", item["raw"], 80, item["tags"])
    assert first["last_seen"].startswith("2023-11-14T22:13:20")
    found = alice.json("query", "value under bad.net", "--wait")
    assert [line["verified"] for line in found] == [True] and found[0]["type"] == "domain"
    assert len(alice.json("subscribe", "--from", "start", "--filter", "type = domain", "--count", "1")) == 1


def test_what_isac_publishes_python_verifies(anna, alice):
    receipts = alice.publish("93.2.2.1", "93.2.2.2", "https://bad.net/x", tlp="amber")
    last = max(r["seq"] for r in receipts)
    with anna.feed() as line:
        line.subscribe(filter="type = url or value in 93.2.2.2", **{"from": pb.Subscribe.FROM_START})
        entries, _ = line.until_heartbeat(last)
    ring, got = anna.client.keyring(), []
    for entry in entries:
        header, items = feed.check_entry(entry, ring)
        assert entry.publisher == "alice" and header.tlp == pb.TLP_AMBER and uuid_text(header.report_id) in [r["report_id"] for r in receipts]
        got += [item.indicator.value for item in items]
    assert sorted(got) == ["93.2.2.2", "https://bad.net/x"]


def test_one_home_in_both_hands(anna):
    """What keygen made here serves the command line: same name, keys, hub."""
    isac = anna.command_line()
    seq = isac.publish("93.3.3.3")[0]["seq"]
    ours = anna.publish(addresses(2))[2].seq
    lines = isac.json("subscribe", "--from", "start", "--count", "3")
    assert [line["seq"] for line in lines] == [seq, ours, ours] and all(line["verified"] for line in lines)
    with anna.feed() as line:
        line.subscribe(**{"from": pb.Subscribe.FROM_START})
        entries, _ = line.until_heartbeat(ours)
    ring = anna.client.keyring()
    assert [e.seq for e in entries] == [seq, ours] and all(feed.check_entry(e, ring) for e in entries)


def test_members_of_both_kinds_in_one_directory(hub, anna, alice):
    ring = anna.client.keyring()
    assert {key.member for key in ring.keys.values()} == {"admin", "alice", "anna"}
    listed = hub.admin.json("admin", "member", "list")
    assert {row["name"] for row in listed} >= {"admin", "alice", "anna"}
