"""What every durability run has: a hub under load, a diary of what its publishers were told, a subscriber with a cursor, and the six counters."""
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "story"), str(TESTS / "python")]
import hub as hubs  # noqa: E402
from isac1 import bundle, report  # noqa: E402
from isac1.client import Client  # noqa: E402
from isac1.messages import pb  # noqa: E402
from isac1.tables import VALUE_NUMBER  # noqa: E402

STORED = (200, 202, 208)


class Diary:
    """What the publishers attempted and what they were told."""

    def __init__(self, path):
        self.attempted, self.receipts = [], collections.OrderedDict()
        for line in pathlib.Path(path).read_text().splitlines():
            words = line.split()
            if words[0] == "A":
                self.attempted.append(words[1])
            elif words[0] == "R":
                self.receipts[words[1]] = (int(words[2]), int(words[3]))

    @property
    def acknowledged(self):
        return {report: seq for report, (code, seq) in self.receipts.items() if code in STORED}

    @property
    def recovered(self):
        return sum(1 for code, _ in self.receipts.values() if code == 208)


class Feed:
    """A subscriber with a cursor, as a user would run it; restarted if it ends."""

    def __init__(self, member, path):
        self.member, self.path = member, path
        self.kept = self.counted = self.counted_to = 0      # bytes at or before the cursor; lines, and the bytes they were counted in
        self.out = open(path, "ab")
        self.err = open(str(path) + ".err", "ab")
        self.proc = subprocess.Popen(member.argv("--json", "subscribe", "--name", "checker", "--from", "start", "--follow"), stdout=self.out, stderr=self.err)

    def kill(self):
        """kill -9, and a new one that goes on at the cursor. As a careful user's transaction would, what was written beyond the cursor is undone."""
        self.proc.kill()
        self.proc.wait()
        cursor_path = self.member.home / "cursors" / "checker"
        cursor = int(cursor_path.read_text().split()[3]) if cursor_path.exists() else 0
        with open(self.path, "r+b") as lines:
            lines.seek(self.kept)               # a cursor only goes forward
            for line in lines:
                if not line.endswith(b"\n") or json.loads(line)["seq"] > cursor:
                    break
                self.kept += len(line)
            lines.truncate(self.kept)
        self.counted = self.counted_to = 0
        self.proc = subprocess.Popen(self.member.argv("--json", "subscribe", "--name", "checker", "--follow"), stdout=self.out, stderr=self.err)

    def stop(self):
        self.proc.terminate()
        assert self.proc.wait(timeout=60) == 0, pathlib.Path(str(self.path) + ".err").read_text()[-2000:]

    def wait_all(self, total):
        """Until it has that many items; it may be far behind, so what counts is that it goes on."""
        had = -1
        while had < self.lines() < total:
            had = self.lines()
            try:
                hubs.until("the feed goes on", lambda: self.lines() >= min(total, had + 1000), 60)
            except AssertionError:
                print(f"the feed stopped at {self.lines()} of {total} items: {pathlib.Path(str(self.path) + '.err').read_text()[-500:]}")

    def lines(self):
        with open(self.path, "rb") as text:
            text.seek(self.counted_to)
            for block in iter(lambda: text.read(1 << 20), b""):
                self.counted += block.count(b"\n")
                self.counted_to += len(block)
        return self.counted

    def items(self):
        with open(self.path) as lines:
            return [(item["seq"], item["value"]) for item in (json.loads(line) for line in lines if line.endswith("\n"))]


def free_port():
    """Two ports side by side that no outgoing connection is given: a hub must find its own again after it was away. (A client that tries a
    port of the ephemeral range where nobody listens may be given that very port and be connected to itself.)"""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(min(10000, low - 2), low - 1)
        try:
            for one in (port, port + 1):
                with socket.socket() as tried:
                    tried.bind(("127.0.0.1", one))
            return port
        except OSError:
            continue


class Run:
    """work: a folder of its own for diary, log and feed; at: where the hub's data and the homes lie, if elsewhere."""

    def __init__(self, work, args, settings=(), env=None, at=None, prepare=None):
        self.work, self.window, self.items, self.load, self.feed = work, args.window, args.items, None, None
        wide = ["rate_reports_per_s=1000000", "rate_burst=1000000", "rate_bytes_per_min=100000000000"]
        self.hub = hubs.make(at or work, [*wide, *settings], env)
        self.hub.log_path = work / "hub.log"
        self.diary_path = work / "diary"
        self.diary_path.touch()
        self.diary, self.acks, self.probes = open(self.diary_path), 0, 0
        if prepare:
            prepare(self.hub)

    def __enter__(self):
        self.port = free_port()
        self.hub.start(self.port)
        self.alice, self.bob, self.carol = self.hub.enrol("alice"), self.hub.enrol("bob", "subscriber"), self.hub.enrol("carol")
        return self

    def __exit__(self, *_):
        for proc in (self.load, self.feed and self.feed.proc):
            if proc and proc.poll() is None:
                proc.kill()
                proc.wait()
        self.hub.stop(expect=None)

    def start_load(self):
        self.load = subprocess.Popen([hubs.BIN / "isac_fault_load", self.alice.home, self.hub.request_endpoint, self.diary_path,
                                      str(self.window), str(self.items)], stderr=subprocess.PIPE)
        hubs.until("load runs", lambda: self.acks_now() > 100, 60)

    def start_feed(self):
        """The subscriber's home, and with it its cursor, lies beside the hub's disk: a fault of that one is not its own."""
        home = self.work / "subscriber"
        shutil.copytree(self.bob.home, home)
        self.feed = Feed(hubs.Member(self.hub, "bob", home), self.work / "feed.jsonl")

    def finish(self):
        """Everything that was begun is finished; returns what the subscriber was shown, None without one."""
        self.load.send_signal(signal.SIGTERM)
        _, err = self.load.communicate(timeout=180)
        assert self.load.returncode == 0, err
        if not self.feed:
            return None
        self.feed.wait_all(len(self.stored()) * self.items)
        self.feed.stop()
        return self.feed.items()

    def finish_and_judge(self, allow_loss=False):
        return judge(self, self.finish(), allow_loss)

    def stored(self):
        rows = self.hub.sql("select seq, report_id from report order by seq").split()
        return [(int(seq), report) for seq, report in (row.split("|") for row in rows)]

    def acks_now(self):
        """Receipts so far; reads on from where it was, the diary grows long."""
        for line in self.diary:
            self.acks += line.startswith("R")
        return self.acks

    def until_receipts(self, what, seconds=60):
        """More than were under way; returns how long it took."""
        before, at = self.acks_now(), time.monotonic()
        hubs.until(f"receipts go on after {what}\n{self.hub.log_text()[-3000:]}", lambda: self.acks_now() > before + self.window, seconds)
        return time.monotonic() - at

    def ask(self):
        """Sends one report, once, and books it like the load's: (code, seconds), code 0 for no answer."""
        home = bundle.Home(self.carol.home)
        values = [f"12.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(self.probes * self.items, (self.probes + 1) * self.items)]
        made = report.Report(home, [report.indicator(VALUE_NUMBER["ipv4"], v) for v in values])
        name, at = uuid.UUID(bytes=made.id), time.monotonic()
        self.probes += 1
        with open(self.diary_path, "a") as diary, Client(home, self.hub.request_endpoint) as client:
            diary.write(f"A {name}\n")
            diary.flush()
            client.send("SUBMIT", made.submit)
            if not client.zmq.poll(20000):
                return 0, time.monotonic() - at
            _, got = client.receive()
            if got.code in STORED:
                diary.write(f"R {name} {got.code} {pb.ReceiptBody.FromString(got.body).seq}\n")
        return got.code, time.monotonic() - at

    def until_code(self, codes, what, seconds=60):
        """Asks until the hub says one of the codes; meanwhile it may store."""
        told = []

        def ask():
            told.append(self.ask()[0])
            assert told[-1] in (*STORED, 503, 507), f"{what}: the hub said {told}"
            return told[-1] in codes
        hubs.until(f"{what}: {codes}", ask, seconds)


def kill_tree(pid):
    """All at once, as a power cut does: a database backend left alone could wait for ever on a lock of one that died."""
    try:
        os.kill(pid, signal.SIGSTOP)        # makes no more children
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                kill_tree(int(child))
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError):
        pass


def judge(run, feed_items, allow_loss=False):
    """Counts, and says what is wrong: (complaints, lost)."""
    diary, stored = Diary(run.diary_path), run.stored()
    by_report = collections.defaultdict(list)
    for seq, name in stored:
        by_report[name].append(seq)
    acknowledged = diary.acknowledged
    lost = [r for r, seq in acknowledged.items() if seq not in by_report.get(r, [])]
    doubled = [r for r, seqs in by_report.items() if len(seqs) > 1]
    attempted = set(diary.attempted)
    unexpected = [r for r in by_report if r not in attempted] + [r for r, (code, _) in diary.receipts.items() if code not in STORED]
    gapless = [seq for seq, _ in stored] == list(range(1, len(stored) + 1))
    shown = feed_items or []
    order_ok = all(a[0] <= b[0] for a, b in zip(shown, shown[1:]))
    per_seq = collections.Counter(seq for seq, _ in shown)
    repeats = sum(n - 1 for n in collections.Counter(shown).values())
    missing = [seq for seq, _ in stored if feed_items is not None and per_seq[seq] != run.items]
    print(f"attempted {len(diary.attempted)} acknowledged {len(acknowledged)} lost {len(lost)} duplicated {len(doubled) + repeats} "
          f"recovered {diary.recovered} unexpected {len(unexpected)} stored {len(stored)} delivered {len(shown)} items")
    wrong = []
    if unexpected: wrong.append(f"unexpected: {unexpected[:3]}")
    if doubled or repeats: wrong.append(f"duplicated: {doubled[:3]} {repeats} repeats")
    if not allow_loss:
        if lost: wrong.append(f"lost: {lost[:3]}")
        if not gapless: wrong.append("the sequence has gaps")
        if not order_ok: wrong.append("the feed is out of order")
        if missing: wrong.append(f"not delivered whole: {missing[:3]} of {len(missing)}")
    return wrong, len(lost)
