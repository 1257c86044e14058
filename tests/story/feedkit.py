"""Subscribers and publishers by the dozen, for stories of the feed: all in one thread, every frame booked by tests/python/isac1."""
import pathlib
import time

import zmq

import wirekit as kit
from hub import SLOW
from isac1 import feed as feeds, report
from isac1.client import PATIENCE_MS, Client, Feed
from isac1.messages import pb
from isac1.tables import LIMIT, VALUE_NUMBER

UNLIMITED = ("rate_reports_per_s=10000000", "rate_burst=10000000", "rate_bytes_per_min=100000000000")


def reports(home, first, count, size=0, **header):
    """Reports of one address each, no value twice."""
    more = {"description": "d" * size} if size else {}
    return [report.Report(home, [report.indicator(VALUE_NUMBER["ipv4"], f"93.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", **more)], **header)
            for n in range(first, first + count)]


def pour(client, made, window=256, meanwhile=None):
    """Publishes with a window; the sequence numbers by report. `meanwhile` is called whenever there is nothing to take."""
    waiting, by_id, seqs = list(reversed(made)), {}, {}
    last = time.monotonic()
    while waiting or by_id:
        while waiting and len(by_id) < window:
            one = waiting.pop()
            by_id[client.send("SUBMIT", one.submit)] = one
        if meanwhile and not client.zmq.poll(0):
            meanwhile()
            if not client.zmq.poll(1):
                assert time.monotonic() < last + PATIENCE_MS / 1000, f"no receipt of {len(by_id)} reports under way"
                continue
        head, message = client.receive()
        last = time.monotonic()
        assert message.code == 200, message
        seqs[bytes(by_id.pop(head.request_id).id)] = pb.ReceiptBody.FromString(message.body).seq
    return seqs


class Reader:
    """One subscription that keeps what it got; opens itself again where it is."""

    def __init__(self, home, endpoint, credit=LIMIT["CREDIT_BYTES"], **ask):
        self.feed = Feed(home, endpoint)
        self.ask, self.credit = ask, credit
        self.seqs, self.at, self.used, self.batches, self.rights = [], [], 0, 0, []
        self.open(**ask)

    def open(self, **ask):
        got = self.feed.subscribe(credit_bytes=self.credit, **ask)
        assert isinstance(got, pb.Subscribed), got
        self.used = self.batches = 0

    def take(self):
        """One frame; position and running hash are checked by Session."""
        generation = self.feed.session.rights_generation
        _, message = self.feed.next()
        assert not isinstance(message, pb.Error), message
        if isinstance(message, pb.Batch):
            now = time.monotonic()
            self.seqs += [entry.seq for entry in message.entries]
            self.at += [now] * len(message.entries)
            self.used += message.ByteSize()
            self.batches += 1
            if self.used >= self.credit // 2 or self.batches >= LIMIT["WINDOW_BATCHES"] // 2:
                self.feed.credit(self.used)
                self.used = self.batches = 0
        elif self.feed.session.rights_generation != generation:
            self.rights.append(self.feed.session.rights_seq)
        return message

    @property
    def position(self):
        return self.feed.session.position

    def close(self):
        self.feed.close()


class Crowd:
    """Readers that are served together."""

    def __init__(self, readers):
        self.readers, self.poller = readers, zmq.Poller()
        for one in readers:
            self.poller.register(one.feed.zmq, zmq.POLLIN)
        self.by_socket = {one.feed.zmq: one for one in readers}

    def serve(self, wait_ms=0):
        for socket, _ in self.poller.poll(wait_ms):
            one = self.by_socket[socket]
            while socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:
                one.take()

    def until(self, position, seconds=60):
        """Everybody has everything up to there."""
        end = time.monotonic() + seconds * SLOW
        while any(one.position < position for one in self.readers):
            assert time.monotonic() < end, f"positions {sorted(one.position for one in self.readers)}, wanted {position}"
            self.serve(200)

    def close(self):
        for one in self.readers:
            one.close()


def rss(pid):
    """Kilobytes of memory that a process holds."""
    line = next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def publisher(hub, name="alice"):
    return Client(kit.home_of(hub.enrol(name, "publisher")), hub.request_endpoint)


__all__ = ["Crowd", "Reader", "UNLIMITED", "feeds", "pour", "publisher", "reports", "rss"]
