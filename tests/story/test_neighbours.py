"""One bad neighbour is no matter to the others: stopped, slow as a modem, or coming and going without end.

How much the others' latency moves is measured by the benchmark's row `neighbours`; here only an order of magnitude is looked at.
"""
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

import feedkit as kit
import slowline
import wirekit
from hub import SLOW, until
from isac1.client import Feed
from isac1.messages import pb

OTHERS = 49
FLAT_KB = 40000         # what memory may move by; unbounded queues would take hundreds of megabytes


def p99(values):
    return sorted(values)[len(values) * 99 // 100]


def watch(client, crowd, first, count):
    """Seconds from sending to each one's delivery, one report after the other."""
    took = []
    for made in kit.reports(client.home, first, count):
        start, had = time.monotonic(), [len(one.seqs) for one in crowd.readers]
        kit.pour(client, [made], meanwhile=crowd.serve)
        until("all have it", lambda: crowd.serve(10) or all(len(one.seqs) > n for one, n in zip(crowd.readers, had)))
        took += [one.at[n] - start for one, n in zip(crowd.readers, had)]
    return took


class Neighbourhood:
    def __init__(self, hub):
        self.hub = hub
        bob = wirekit.home_of(hub.enrol("bob", "subscriber"))
        self.client = kit.publisher(hub)
        self.crowd = kit.Crowd([kit.Reader(bob, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_NOW}) for _ in range(OTHERS)])
        self.sent = 0

    def pour(self, count, size=1000):
        kit.pour(self.client, kit.reports(self.client.home, self.sent, count, size), meanwhile=self.crowd.serve)
        self.sent += count
        self.crowd.until(self.sent)

    def watch(self, count=50):
        took = watch(self.client, self.crowd, self.sent, count)
        self.sent += count
        return p99(took)

    def memory(self):
        pids = self.hub.pids()
        return {name: kit.rss(pids[name]) for name in ("core", "front")}

    def check(self, quiet, before):
        """After a neighbour has misbehaved for a while: nobody lost anything, nothing grew, nobody waits ten times as long."""
        assert all(one.seqs == list(range(1, self.sent + 1)) for one in self.crowd.readers)
        busy = self.watch()
        assert busy < 10 * quiet + 0.25 * SLOW, f"p99 {busy:.3f} s beside {quiet:.3f} s"
        after = self.memory()
        assert all(after[name] - before[name] < FLAT_KB * SLOW for name in before), (before, after)

    def close(self):
        self.crowd.close()
        self.client.close()


@pytest.fixture
def neighbourhood(make_hub):
    hub = make_hub("feed_ring_bytes=1048576", *kit.UNLIMITED)
    one = Neighbourhood(hub)
    one.pour(1500)                      # rings and queues have the size that they will have
    yield one
    one.close()


def test_a_stopped_subscriber_keeps_nobody_waiting(neighbourhood):
    at = neighbourhood
    carol = at.hub.enrol("carol", "subscriber")
    quiet, before = at.watch(), at.memory()
    begin = at.sent
    more = 2500
    stopped = carol.start("subscribe", "--from", "now", "--count", str(more + 50))
    assert f"subscribed at {begin}" in stopped.stderr.readline()
    stopped.send_signal(signal.SIGSTOP)
    at.pour(more)                       # three times the credit of one session
    at.check(quiet, before)
    stopped.send_signal(signal.SIGCONT)
    out, err = stopped.communicate(timeout=120 * SLOW)
    seqs = [int(line.split('"seq":')[1].split(",")[0]) for line in out.splitlines()]
    assert seqs == list(range(begin + 1, at.sent + 1)), err


def test_one_that_reconnects_without_end_keeps_nobody_waiting(neighbourhood):
    at = neighbourhood
    carol = wirekit.home_of(at.hub.enrol("carol", "subscriber"))
    quiet, before = at.watch(), at.memory()
    done, rounds, wrong = threading.Event(), [], []

    def loop():
        while not done.is_set():
            with Feed(carol, at.hub.feed_endpoint) as feed:
                got = feed.subscribe(**{"from": pb.Subscribe.FROM_START, "name": "loop"})
                if not isinstance(got, pb.Subscribed):
                    wrong.append(got)
                rounds.append(1)
    thread = threading.Thread(target=loop)
    thread.start()
    try:
        until("it comes and goes", lambda: at.crowd.serve(10) or len(rounds) > 20)
        at.pour(1000)
        at.check(quiet, before)
    finally:
        done.set()
        thread.join()
    assert not wrong
    until("all its sessions are closed", lambda: at.hub.stat("feed.sessions") == OTHERS)


# ---- a line of 64 kbit/s ----

@pytest.fixture
def line():
    if os.getuid() != 0 or not all(map(shutil.which, slowline.TOOLS)):
        pytest.skip("NOT RUN: a slow line needs root, ip and tc")
    try:
        one = slowline.Line("64kbit")
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"NOT RUN: no network namespace here: {failure.stderr}")
    yield one
    one.close()


def test_a_line_of_64_kbit_keeps_nobody_waiting_and_gets_all(make_hub, line):
    hub = make_hub("feed_ring_bytes=1048576", *kit.UNLIMITED, start=False)
    hub.start(host=line.host)
    at = Neighbourhood(hub)
    at.pour(1500)
    carol = hub.enrol("carol", "subscriber")
    quiet, before = at.watch(), at.memory()
    begin, more = at.sent, 130
    slow = subprocess.Popen(["ip", "netns", "exec", line.name, *carol.argv("--json", "subscribe", "--from", "now", "--count", more, "--timeout", 120)],     # keys are asked for on the same line
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    hub.started.append(slow)
    assert f"subscribed at {begin}" in slow.stderr.readline()
    start = time.monotonic()
    at.pour(more - 50)                  # some 100 kilobytes, which take it more than ten seconds
    at.check(quiet, before)
    assert slow.poll() is None and time.monotonic() - start < 8 * SLOW or SLOW > 1, "the others were done long before it"
    out, err = slow.communicate(timeout=120 * SLOW)
    assert [int(text.split('"seq":')[1].split(",")[0]) for text in out.splitlines()] == list(range(begin + 1, at.sent + 1)), err
    assert "subscribed again" not in err, "one session was enough"
    at.close()
