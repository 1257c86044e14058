"""A feed over time: filters and rights that change at a number both sides know; readers that fall behind and come back."""
import signal

import feedkit as kit
import wirekit
from hub import until
from isac1.client import Client, Feed
from isac1.messages import pb


def group(hub, verb, *args):
    hub.admin.isac("admin", "group", verb, *args)


# ---- what changes, and from where on ----

def test_rights_that_are_gained_and_lost_hold_from_a_number_that_is_told(hub, alice, bob):
    group(hub, "add", "banks")
    group(hub, "join", "banks", "alice")
    reader = kit.Reader(wirekit.home_of(bob), hub.feed_endpoint, **{"from": pb.Subscribe.FROM_NOW})
    publish = lambda n, *args: alice.publish(f"198.51.100.{n}", args=args)[0]["seq"]

    def settle(seq):
        while reader.position < seq:
            reader.take()

    before = publish(1, "--group", "banks")
    seen = publish(2)
    settle(seen)
    assert reader.seqs == [seen] and reader.rights == []
    group(hub, "join", "banks", "bob")
    inside = publish(3, "--group", "banks")
    settle(inside)
    assert reader.seqs == [seen, inside], "the older one is not shown: it lies before the number"
    assert len(reader.rights) == 1 and before <= reader.rights[0] < inside
    group(hub, "leave", "banks", "bob")
    publish(4, "--group", "banks")
    last = publish(5)
    settle(last)
    assert reader.seqs == [seen, inside, last]
    assert len(reader.rights) == 2 and inside <= reader.rights[1] < last
    group(hub, "add", "others")         # a roster that changes nothing for bob
    settle(publish(6))
    assert len(reader.rights) == 2
    reader.close()


def test_a_right_that_was_lost_hides_what_was_not_sent_yet(hub, alice, bob):
    """What waits for credit, or lies in the ring, is judged when it is sent."""
    group(hub, "add", "banks")
    for name in ("alice", "bob"):
        group(hub, "join", "banks", name)
    with Feed(wirekit.home_of(bob), hub.feed_endpoint) as feed:
        got = feed.subscribe(**{"from": pb.Subscribe.FROM_NOW, "credit_bytes": 1})
        assert got.rights_generation > 0
        first = alice.publish("198.51.100.1", args=("--group", "banks"))[0]["seq"]
        _, message = feed.next()
        while not isinstance(message, pb.Batch):
            _, message = feed.next()
        assert [entry.seq for entry in message.entries] == [first]      # this uses the credit up
        alice.publish("198.51.100.2", args=("--group", "banks"))
        group(hub, "leave", "banks", "bob")
        last = alice.publish("198.51.100.3")[0]["seq"]
        while feed.session.rights_seq < first:
            feed.next()
        feed.credit(100000)
        entries, _ = feed.until_heartbeat(last)
        assert [entry.seq for entry in entries] == [last]


def test_subscribe_notes_changed_rights(hub, alice, bob):
    group(hub, "add", "banks")
    feed = bob.start("subscribe", "--from", "now", "--count", "1")
    assert "subscribed at 0" in feed.stderr.readline()
    group(hub, "join", "banks", "alice")
    group(hub, "join", "banks", "bob")
    assert "holds for all reports behind 0" in feed.stderr.readline()
    alice.publish("198.51.100.1", args=("--group", "banks"))
    assert '"198.51.100.1"' in feed.stdout.readline()
    assert feed.wait(timeout=60) == 0


def test_a_role_that_is_taken_away_ends_the_session(hub, alice, bob):
    feed = bob.start("subscribe", "--from", "now")
    assert "subscribed at" in feed.stderr.readline()
    hub.admin.isac("admin", "member", "role", "bob", "--role", "publisher")
    assert feed.wait(timeout=60) == 1
    assert "403" in feed.stderr.read()


def test_another_filter_for_a_name_holds_behind_the_position_that_is_told(hub, alice, bob):
    home = wirekit.home_of(bob)
    first = kit.Reader(home, hub.feed_endpoint, **{"name": "soc", "from": pb.Subscribe.FROM_NOW, "filter": "value in 198.51.100.0/25"})
    seqs = [alice.publish(value)[0]["seq"] for value in ("198.51.100.1", "198.51.100.200")]
    while first.position < seqs[0]:
        first.take()
    with Feed(home, hub.feed_endpoint) as second:
        got = second.subscribe(**{"name": "soc", "from": pb.Subscribe.FROM_SEQ, "seq": first.position, "filter": "value in 198.51.100.128/25"})
        assert got.position == first.position and "198.51.100.128/25" in got.filter
        entries, _ = second.until_heartbeat(seqs[1])
        assert [entry.seq for entry in entries] == [seqs[1]]
    message = None
    while not isinstance(message, pb.Error):
        _, message = first.feed.receive()
    assert message.code == 409 and message.sub == first.feed.session.sub
    assert first.seqs == seqs[:1]
    first.close()


# ---- who is behind ----

def test_a_slow_reader_goes_through_the_store_and_comes_back_live(make_hub):
    """Small credit, a small ring, a publisher that pours: no gap, no repeat, every range joins, the running hash holds."""
    hub = make_hub("feed_ring_bytes=1048576", *kit.UNLIMITED)
    bob = wirekit.home_of(hub.enrol("bob", "subscriber"))
    with kit.publisher(hub) as client:
        reader = kit.Reader(bob, hub.feed_endpoint, credit=20000, **{"from": pb.Subscribe.FROM_NOW})
        crowd = kit.Crowd([reader])
        made = kit.reports(client.home, 0, 3000, size=900)
        seqs = kit.pour(client, made[:2500])    # some 3 MB and more: the ring forgets what he has not got
        assert len(reader.seqs) == 0
        kit.pour(client, made[2500:], meanwhile=crowd.serve)
        crowd.until(len(made))
        assert hub.stat("feed.pages") > 0
        pages = hub.stat("feed.pages")
        kit.pour(client, kit.reports(client.home, 100000, 10), window=1)
        crowd.until(len(made) + 10)
        assert hub.stat("feed.pages") == pages, "live again: the store is not asked"
        assert reader.seqs == list(range(1, len(made) + 11)) and len(seqs) == 2500
        crowd.close()


def test_many_who_are_behind_share_what_is_read(make_hub):
    hub = make_hub("feed_ring_bytes=1048576", *kit.UNLIMITED)
    homes = [wirekit.home_of(hub.enrol(f"s{n}", "subscriber")) for n in range(10)]
    with kit.publisher(hub) as client:
        kit.pour(client, kit.reports(client.home, 0, 4000, size=900))
        crowd = kit.Crowd([kit.Reader(home, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_START, "filter": f"confidence < {n} or not tag = \"x{n}\""})
                           for n, home in enumerate(homes)])
        crowd.until(4000)
        assert all(one.seqs == list(range(1, 4001)) for one in crowd.readers)
        assert hub.stat("feed.pages") < 40, "4 MB for ten, not forty"
        crowd.close()


def test_all_come_back_at_once_after_a_restart(make_hub):
    """A storm in little: 20 subscribers, 5,000 reports each still to come, a hub that has just started."""
    hub = make_hub(*kit.UNLIMITED)
    homes = [wirekit.home_of(hub.enrol(f"s{n}", "subscriber")) for n in range(20)]
    port = hub.port
    with kit.publisher(hub) as client:
        kit.pour(client, kit.reports(client.home, 0, 100))
        crowd = kit.Crowd([kit.Reader(home, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_START}) for home in homes])
        crowd.until(100)
        stopped = [one.feed.session for one in crowd.readers]
        kit.pour(client, kit.reports(client.home, 1000, 5000))
    hub.stop()
    hub.start(port)
    for one in crowd.readers:
        while one.feed.zmq.poll(0):     # of the old session: not read, so it must come again
            one.feed.zmq.recv_multipart()
    for one, old in zip(crowd.readers, stopped):
        one.open(**{"from": pb.Subscribe.FROM_SEQ, "seq": old.position})
    crowd.until(5100)
    assert all(one.seqs == list(range(1, 5101)) for one in crowd.readers)
    crowd.close()


def test_a_live_reader_is_served_while_fifty_catch_up(make_hub):
    hub = make_hub("feed_ring_bytes=1048576", *kit.UNLIMITED)
    bob = wirekit.home_of(hub.enrol("bob", "subscriber"))
    with kit.publisher(hub) as client:
        kit.pour(client, kit.reports(client.home, 0, 3000, size=900))
        live = kit.Reader(bob, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_NOW})
        behind = kit.Crowd([kit.Reader(bob, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_START}) for _ in range(50)])
        [seq] = kit.pour(client, kit.reports(client.home, 100000, 1)).values()
        while live.position < seq:
            live.take()                 # the others are not read meanwhile: what they wait for must not keep this one
        assert live.seqs == [seq]
        assert sum(one.position >= seq for one in behind.readers) == 0
        behind.until(seq, seconds=120)
        assert all(one.seqs == list(range(1, seq + 1)) for one in behind.readers)
        behind.close()
        live.close()


def test_who_is_behind_gets_no_more_than_the_rate_and_who_is_live_does_not_notice(make_hub):
    hub = make_hub("feed_catch_up_bytes_per_s=100000", *kit.UNLIMITED)
    client, bob, carol = kit.publisher(hub), wirekit.home_of(hub.enrol("bob", "subscriber")), wirekit.home_of(hub.enrol("carol", "subscriber"))
    made = kit.reports(client.home, 0, 3010, size=1000)
    kit.pour(client, made[:3000])       # half a minute at this rate
    live = kit.Reader(carol, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_NOW})
    both = kit.Crowd([live, kit.Reader(bob, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_START})])
    behind = both.readers[1]
    until("it has begun", lambda: both.serve(20) or behind.seqs)
    for n, one in enumerate(made[3000:]):
        kit.pour(client, [one], meanwhile=both.serve)
        until("the live one has it", lambda: both.serve(20) or len(live.seqs) > n)
    assert live.seqs == list(range(3001, 3011))
    assert behind.seqs == list(range(1, len(behind.seqs) + 1)) and len(behind.seqs) < 3000
    both.close()
    client.close()


def test_cursors_of_many_are_kept(make_hub):
    """Acknowledgements of several named sessions are stored together and found after a restart."""
    hub = make_hub(*kit.UNLIMITED)
    bob = wirekit.home_of(hub.enrol("bob", "subscriber"))
    port = hub.port
    with kit.publisher(hub) as client:
        kit.pour(client, kit.reports(client.home, 0, 20))
    crowd = kit.Crowd([kit.Reader(bob, hub.feed_endpoint, **{"name": f"n{n}", "from": pb.Subscribe.FROM_START}) for n in range(8)])
    crowd.until(20)
    for n, one in enumerate(crowd.readers):
        one.feed.credit(0, acked=10 + n)

    def acked():
        with Client(bob, hub.request_endpoint) as client:
            return {sub.name: sub.acked_seq for sub in client.request("STATUS", b"").subscriptions}
    wanted = {f"n{n}": 10 + n for n in range(8)}
    until("stored", lambda: acked() == wanted)
    crowd.close()
    hub.stop()
    hub.start(port)
    assert acked() == wanted
