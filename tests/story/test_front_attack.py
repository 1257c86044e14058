"""What an attacker at the network can do to front, and what an honest member notices of it.

Every story runs twice: against front alone between us and a dummy core, where it is counted what gets through to core; and against a
whole hub. Numbers in comments are cases of bad input (tests/data/bad/README.md).
"""
import os
import pathlib
import re
import select
import struct
import time

import pytest

from attack import bad_files, zmtp
from attack.alone import PROGRAM, Alone, Live
from attack.zmtp import Cut, Wire, connect, head

HANDSHAKE_S = 2.0
SANITIZED = PROGRAM.exists() and re.search(rb"__[at]san_init", PROGRAM.read_bytes()) is not None


@pytest.fixture
def make_alone():
    made = []

    def make(**settings):
        made.append(Alone(**settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(params=["alone", "live"])
def front(request, make_alone):
    if request.param == "alone":
        return make_alone()
    return Live(request.getfixturevalue("hub"))


def served(front, name="honest"):
    """An honest member is answered. Connects again as clients do, since front may just be starting."""
    end = time.monotonic() + zmtp.PATIENCE
    while True:
        try:
            wire = connect(front.request_endpoint, front.curve_public, front.identity(name))
            kind, request_id, _ = wire.ask(head(zmtp.STATUS, 77), b"")
            wire.close()
            assert (kind, request_id) == (zmtp.STATUS_RESULT, 77)
            return True
        except (Cut, ConnectionRefusedError, ConnectionResetError):
            assert time.monotonic() < end, f"an honest member is not served\n{front.log_text()[-2000:]}"
            select.select([], [], [], 0.02)


def stranger(front):
    return Wire(front.request_endpoint, front.curve_public)


def member(front, name="mallory", feed=False, routing_id=b""):
    return connect(front.feed_endpoint if feed else front.request_endpoint, front.curve_public, front.identity(name), routing_id)


def reached_core(front):
    return [m for m in front.core.messages if m[2] != "honest"] if front.core else []


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- before the handshake is done
@pytest.mark.parametrize("bad", bad_files.all_of("raw"), ids=lambda b: b.name)
def test_bad_bytes_are_cut(front, bad):                                         # 1-5, 8
    wire = stranger(front)
    bad.play_raw(wire)
    seconds, got = wire.wait_cut()
    assert seconds < HANDSHAKE_S + 1 * zmtp.PATIENCE / 20
    assert b"ISC1" not in got and b"READY" not in got
    assert served(front) and not reached_core(front)


def test_silence_after_the_greeting_is_cut_in_time(front):                      # 6
    wire = stranger(front)
    wire.greet()
    seconds, got = wire.wait_cut()
    assert HANDSHAKE_S * 0.9 <= seconds <= HANDSHAKE_S + zmtp.PATIENCE / 20 and got == b""


def test_a_dripping_greeting_is_cut_in_time(front):                             # 7
    wire = stranger(front)
    for byte in zmtp.greeting():
        try:
            wire.send_raw(bytes([byte]))
        except Cut:
            break
        closed, _, _ = select.select([wire.sock], [], [], 0.5)      # the drip's pace, unless something comes
        if closed and not wire.sock.recv(65536):
            break
    seconds, _ = wire.wait_cut()
    assert HANDSHAKE_S * 0.9 <= seconds <= HANDSHAKE_S + 0.5 + zmtp.PATIENCE / 20


@pytest.mark.parametrize("length", [199, 201])
def test_hello_of_another_length_is_cut(front, length):                         # 9
    wire = stranger(front)
    wire.greet()
    wire.send_raw(zmtp.frame(wire.hello_body(padding=72 + length - 200), command=True))
    assert b"WELCOME" not in wire.wait_cut()[1]


def test_hello_for_another_server_is_cut(front):                                # 10
    wire = stranger(front)
    wire.greet()
    wire.send_raw(zmtp.frame(wire.hello_body(server_key=zmtp.keypair()[0]), command=True))
    assert b"WELCOME" not in wire.wait_cut()[1]


def spoil_cookie(wire):
    return {"cookie": wire.cookie[:50] + bytes([wire.cookie[50] ^ 1]) + wire.cookie[51:]}


INITIATES = {
    "altered cookie": spoil_cookie,
    "altered vouch": lambda wire: {"spoil": 40},
    "vouch for another short key": lambda wire: {"vouch_key": zmtp.keypair()[0]},
    "vouch by another long key": lambda wire: {"vouch_secret": zmtp.keypair()[1]},
}


@pytest.mark.parametrize("what", INITIATES)
def test_bad_initiate_is_cut(front, what):                                      # 11
    public, secret = front.identity("mallory")
    wire = Wire(front.request_endpoint, front.curve_public, public, secret)
    wire.greet()
    wire.send_raw(zmtp.frame(wire.hello_body(), command=True))
    wire.welcome()
    wire.send_raw(zmtp.frame(wire.initiate_body([(b"Socket-Type", b"DEALER")], **INITIATES[what](wire)), command=True))
    wire.send_raw(wire.message_frame(head(zmtp.STATUS), more=True) + wire.message_frame(b""))
    assert b"READY" not in wire.wait_cut()[1] and not reached_core(front)


def test_a_thousand_unknown_keys_get_nothing_to_core(front):                    # 12, T1
    for _ in range(1000):
        wire = stranger(front)
        wire.greet()
        wire.send_raw(zmtp.frame(wire.hello_body(), command=True))
        wire.welcome()
        # not waiting for READY: a report right behind the INITIATE
        wire.send_raw(zmtp.frame(wire.initiate_body([(b"Socket-Type", b"DEALER")]), command=True) +
                      wire.message_frame(head(zmtp.SUBMIT), more=True) + wire.message_frame(b"x"))
        assert b"READY" not in wire.wait_cut()[1]
    assert served(front) and not reached_core(front)


# ---- members
def test_a_suspended_member_is_cut_and_an_open_connection_is_mute(front):       # 13, T8
    wire = member(front)
    assert wire.ask(head(zmtp.STATUS, 1), b"")[0] == zmtp.STATUS_RESULT
    front.suspend("mallory")
    served(front)                                       # what core said before this answer has been read
    before = len(reached_core(front))
    for i in range(100):
        wire.send(head(zmtp.STATUS, i), b"")
    with pytest.raises(Cut):
        member(front)
    served(front)
    assert wire.quiet() and len(reached_core(front)) == before


def test_a_repeated_nonce_is_cut(front):                                        # 14
    wire = member(front)
    nonce = wire.short_nonce()
    wire.send_raw(wire.message_frame(head(zmtp.STATUS, 5), more=True, nonce=nonce) + wire.message_frame(b"", nonce=nonce))
    wire.wait_cut()
    assert served(front) and not reached_core(front)


@pytest.mark.parametrize("routing_id", [b"member-A", b"\x01abcd", b"\x00abc", b"\x00abcde", b"x", b"\xff" * 255], ids=lambda r: r.hex()[:20])
@pytest.mark.parametrize("feed", [False, True], ids=["request", "feed"])
def test_a_chosen_routing_id_is_refused(front, routing_id, feed):               # 15
    wire = member(front, feed=feed, routing_id=routing_id)
    kind, request_id, body = wire.ask(head(zmtp.SUBSCRIBE if feed else zmtp.STATUS, 9), b"\x0a\x01x")
    assert (kind, request_id, zmtp.error_code(body)) == (zmtp.ERROR, 9, 403)
    assert not reached_core(front)


@pytest.mark.parametrize("bad", [b for b in bad_files.all_of("request", "feed") if b.code != "CUT"], ids=lambda b: b.name)
def test_bad_frames_are_answered(front, bad):                                   # 16-18, 21
    wire = member(front, feed=bad.to == "feed")
    kind, _, body = wire.ask(*bad.frames())
    assert kind == zmtp.ERROR and zmtp.error_code(body) == int(bad.code)
    if bad.to == "request":                             # the connection still serves
        assert wire.ask(head(zmtp.STATUS, 8), b"")[:2] == (zmtp.STATUS_RESULT, 8)
    assert [m for m in reached_core(front) if zmtp.ISC1.unpack(m[3])[1] != zmtp.STATUS] == []


@pytest.mark.parametrize("bad", [b for b in bad_files.all_of("request", "feed") if b.code == "CUT"], ids=lambda b: b.name)
def test_too_large_frames_are_cut(front, bad):                                  # 20
    wire = member(front, feed=bad.to == "feed")
    try:
        wire.send(*bad.frames())
    except Cut:
        pass
    assert b"MESSAGE" not in wire.wait_cut()[1]
    assert served(front) and not reached_core(front)


def test_the_largest_frame_is_served(front):
    wire = member(front)
    kind, request_id, _ = wire.ask(head(zmtp.SUBMIT, 6), b"\0" * (256 * 1024))
    assert request_id == 6 and kind in (zmtp.RECEIPT, zmtp.ERROR)
    if front.core:
        assert len(reached_core(front)[0][4]) == 256 * 1024


def test_the_fifth_long_message_in_a_minute_shuts_the_member_out(front):        # 18
    wire = member(front)
    for i in range(5):
        kind, request_id, body = wire.ask(head(zmtp.STATUS, i), *[b"x"] * 999)
        assert (kind, request_id, zmtp.error_code(body)) == (zmtp.ERROR, i, 400)
    wire.send(head(zmtp.STATUS, 6), b"")
    with pytest.raises(Cut):
        member(front)
    assert served(front)
    assert wire.quiet() and not reached_core(front)


# ---- routing ids under CURVE (T4)
def subscribe(front, name, routing_id=b""):
    wire = member(front, name, feed=True, routing_id=routing_id)
    wire.send(head(zmtp.SUBSCRIBE, 1), b"\x18\x02\x28\x80\x80\x04")        # from now, credit 65,536
    return wire


def test_a_session_ends_with_its_connection(make_alone):
    front = make_alone()
    wire = subscribe(front, "alice")
    assert wire.take_reply()[0] == zmtp.SUBSCRIBED
    rid = reached_core(front)[0][1]
    wire.reset()
    front.core.wait("GONE without a send", lambda: rid in front.core.gone)


def io_thread_ns(pid):
    """How long each thread of libzmq has run, in its order."""
    tasks = [t for t in pathlib.Path(f"/proc/{pid}/task").iterdir() if t.joinpath("comm").read_text().startswith("ZMQbg/IO")]
    return [int(t.joinpath("schedstat").read_text().split()[0]) for t in sorted(tasks, key=lambda t: t.joinpath("comm").read_text())]


def test_a_request_does_not_wait_behind_what_feeds_are_sent(make_alone):
    """What is encrypted for subscribers, and that is most, is another thread's work than requests and their replies."""
    front = make_alone()
    alice = subscribe(front, "alice")
    assert alice.take_reply()[0] == zmtp.SUBSCRIBED
    rid, before = reached_core(front)[0][1], io_thread_ns(front.pids()["front"])
    for _ in range(200):
        front.core.fan_out([rid], bytes(60000))
        assert len(alice.take_reply()[2]) == 60000
    requests, feeds = (now - then for now, then in zip(io_thread_ns(front.pids()["front"]), before))
    assert feeds > 10 * requests
    assert served(front)


def test_the_last_words_of_a_session_are_heard(make_alone):
    """An acknowledgement, and the connection is closed: front may hear of the end first."""
    front = make_alone()
    front.enrol("alice")                # which leaves a GONE of nobody
    before = len(front.core.gone)
    for n in range(1, 201):
        wire = subscribe(front, "alice")
        assert wire.take_reply()[0] == zmtp.SUBSCRIBED
        wire.send(head(zmtp.CREDIT, 0), b"\x10\x01")
        wire.close()
        front.core.wait("the session is gone", lambda n=n: len(front.core.gone) >= before + n)
        assert sum(zmtp.ISC1.unpack(m[3])[1] == zmtp.CREDIT for m in front.core.messages) == n
    assert len(front.core.gone) == before + 200 and "front.refused" not in front.log_text()


def test_a_live_routing_id_cannot_be_squatted(make_alone):
    """The attacker even knows the victim's routing id, which nothing tells it."""
    front = make_alone()
    alice = subscribe(front, "alice")
    assert alice.take_reply()[0] == zmtp.SUBSCRIBED
    rid = reached_core(front)[0][1]
    thieves = [member(front, "mallory", feed=True, routing_id=rid) for _ in range(20)]
    for i in range(100):
        front.core.fan_out([rid], b"TLP:RED %d" % i)
    for i in range(100):
        assert alice.take_reply()[2] == b"TLP:RED %d" % i
    assert all(t.quiet() for t in thieves)


def test_a_routing_id_is_not_stolen_when_its_owner_leaves(make_alone):
    """1,000 races: alice leaves while her feed runs, mallory takes her routing id at once. Core stops at GONE, as it must."""
    front = make_alone()
    stolen = 0
    for race in range(1000):
        alice = subscribe(front, "alice")
        assert alice.take_reply()[0] == zmtp.SUBSCRIBED
        rid = front.core.messages[-1][1]
        thief = Wire(front.feed_endpoint, front.curve_public, *front.identity("mallory"))
        thief.greet()
        thief.send_raw(zmtp.frame(thief.hello_body(), command=True))
        thief.welcome()
        alice.reset()
        thief.send_raw(zmtp.frame(thief.initiate_body([(b"Socket-Type", b"DEALER"), (b"Identity", rid)]), command=True))
        sent = 0
        while rid not in front.core.gone:
            front.core.fan_out([rid], b"TLP:RED")
            sent += 1
            assert sent < 100000
        thief.ready()
        # a second connection of mallory's is answered after everything before: then nothing more can come
        thief.sock.settimeout(0)
        try:
            stolen += b"\x07MESSAGE" in thief.buffer + thief.sock.recv(1 << 20)
        except BlockingIOError:
            pass
        thief.close()
    assert stolen == 0


# ---- floods
def test_400_idle_connections_leave_an_honest_member_served(front):
    idle = [stranger(front) for _ in range(400)]
    assert served(front)
    for wire in idle[::2]:
        try:
            wire.greet()                                # half of them at least greet
        except Cut:
            pass
    assert served(front)
    for wire in idle:
        wire.wait_cut()
    assert served(front)


def test_at_the_connection_cap_it_waits_without_spinning(make_alone):
    """More connections than allowed, with fewer descriptors than that: no busy loop, and service as soon as some left."""
    front = make_alone(connections=64, descriptors=1024, handshake_ms=60000)
    idle = [stranger(front) for _ in range(64)]
    for wire in idle:
        wire.greet()
    pid = front.pids()["front"]
    before = cpu_s(pid)
    late = Wire.__new__(Wire)
    with pytest.raises(OSError):                        # its SYN is dropped: it waits in its own kernel
        late.__init__(front.request_endpoint, front.curve_public, timeout=1)
    assert cpu_s(pid) - before < 0.3
    for wire in idle:
        wire.close()
    assert served(front)


def test_without_descriptors_it_does_not_spin(make_alone):
    """So few descriptors that the cap comes too late: what waits in the accept queue is refused."""
    front = make_alone(connections=1000, descriptors=64, handshake_ms=60000)
    idle = []
    for _ in range(100):
        wire = Wire.__new__(Wire)
        try:
            wire.__init__(front.request_endpoint, front.curve_public, timeout=0.2)
        except OSError:
            break
        idle.append(wire)
    pid = front.pids()["front"]
    before = cpu_s(pid)
    select.select([], [], [], 0.5)                      # half a second of CPU time is what is measured here
    assert cpu_s(pid) - before < 0.2
    for wire in idle:
        wire.close()
    assert served(front)


def test_a_giant_frame_costs_a_member_its_connection(front):
    wire = member(front)
    wire.send_raw(b"\x02" + struct.pack(">Q", 1 << 33))
    wire.wait_cut()
    wire = member(front)
    wire.send_raw(b"\x02" + struct.pack(">Q", (1 << 63) + 5) + b"\x07MESSAGE")
    wire.wait_cut()
    assert served(front) and not reached_core(front)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory does not fit under a cap")
def test_endless_multipart_hits_the_cap_and_others_are_served_again(front, request):    # 19, T6
    if not front.core:
        front = Live(request.getfixturevalue("make_hub")("front_memory_bytes=67108864"))
    assert served(front)
    wire = member(front)
    part = b"x" * 60000
    with pytest.raises((Cut, TimeoutError)):
        for _ in range(100000):                         # 6 GB at most
            wire.send_raw(wire.message_frame(part, more=True))
    # libzmq ends the connection or, where it cannot bear a failed allocation, the process: then it is started again
    assert served(front)
    resident = int(open(f"/proc/{front.pids()['front']}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 96 << 20
    assert not [m for m in reached_core(front) if m[2] == "mallory"]
