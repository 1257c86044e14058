#!/usr/bin/python3
"""Proves durability: kills the hub's processes under load and counts what became of every report.

  python3 tests/fault/check.py [--kills N] [--victims core,front,signer,postgres] [--seed S]     random kills by pid
  python3 tests/fault/check.py --power-cuts N        (root) cuts the power of a file system of its own, by ext4's shutdown ioctl
  python3 tests/fault/check.py --control             the same kills with synchronous_commit forced off: MUST show loss

Prints attempted, acknowledged, lost, duplicated, recovered, unexpected; exits 0 only if all is as it must be.
  lost        acknowledged, but not in the store under the acknowledged seq
  duplicated  stored twice, or shown twice to a subscriber that keeps its cursor
  recovered   stored and not acknowledged at first: found again by sending again
  unexpected  stored and never attempted, or refused for no reason
"""
import argparse
import collections
import fcntl
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "story"))
import hub as hubs  # noqa: E402

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


class Diary:
    """What the publisher attempted and what it was told."""

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
        return {report: seq for report, (code, seq) in self.receipts.items() if code in (200, 202, 208)}


class Feed:
    """A subscriber with a cursor, as a user would run it; restarted if it ends."""

    def __init__(self, member, path):
        self.member, self.path = member, path
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
            kept = 0
            for line in lines.readlines():
                if not line.endswith(b"\n") or json.loads(line)["seq"] > cursor:
                    break
                kept += len(line)
            lines.truncate(kept)
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
            return sum(block.count(b"\n") for block in iter(lambda: text.read(1 << 20), b""))

    def items(self):
        with open(self.path) as lines:
            return [(item["seq"], item["value"]) for item in (json.loads(line) for line in lines if line.endswith("\n"))]


def load_binary():
    return hubs.BIN / "isac_fault_load"


class Run:
    def __init__(self, folder, settings):
        self.hub = hubs.make(folder, ["rate_reports_per_s=1000000", "rate_burst=1000000", "rate_bytes_per_min=100000000000", *settings]).start()
        self.port = self.hub.port
        self.diary_path = pathlib.Path(tempfile.mkdtemp(prefix="isac-diary-")) / "diary"
        self.diary_path.touch()
        self.diary, self.acks = open(self.diary_path), 0
        self.alice, self.bob = self.hub.enrol("alice"), self.hub.enrol("bob", "subscriber")
        self.load = None

    def start_load(self, window, items):
        self.load = subprocess.Popen([load_binary(), self.alice.home, self.hub.request_endpoint, self.diary_path, str(window), str(items)], stderr=subprocess.PIPE)

    def finish_load(self):
        self.load.send_signal(signal.SIGTERM)
        _, err = self.load.communicate(timeout=180)
        assert self.load.returncode == 0, err

    def stored(self):
        rows = self.hub.sql("select seq, report_id from report order by seq").split()
        return [(int(seq), report) for seq, report in (row.split("|") for row in rows)]

    def acks_now(self):
        """Receipts so far; reads on from where it was, the diary grows long."""
        for line in self.diary:
            self.acks += line.startswith("R")
        return self.acks


def kills(run, count, victims, rng):
    """Random victims at random moments; returns seconds until the next receipt, for each."""
    waits = []
    for number in range(count):
        deadline = time.monotonic() + rng.uniform(0.05, 0.5)
        while time.monotonic() < deadline:
            threading.Event().wait(0.01)
        victim = rng.choice(victims)
        if victim == "feed":
            run.feed.kill()
            continue
        pid = hubs.until(f"{victim} runs", lambda: run.hub.pids().get(victim), 30)
        before, at = run.acks_now(), time.monotonic()
        os.kill(pid, signal.SIGKILL)
        hubs.until(f"receipts go on after kill {number} of {victim}", lambda: run.acks_now() > before + run.window, 60)
        waits.append((time.monotonic() - at, victim))
        print(f"\rkill {number + 1}/{count} {victim:10}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return waits


def judge(run, feed_items, allow_loss=False):
    """Counts, and says what is wrong."""
    diary, stored = Diary(run.diary_path), run.stored()
    by_report = collections.defaultdict(list)
    for seq, report in stored:
        by_report[report].append(seq)
    acknowledged = diary.acknowledged
    lost = [r for r, seq in acknowledged.items() if seq not in by_report.get(r, [])]
    doubled = [r for r, seqs in by_report.items() if len(seqs) > 1]
    attempted = set(diary.attempted)
    unexpected = [r for r in by_report if r not in attempted] + [r for r, (code, _) in diary.receipts.items() if code not in (200, 202, 208)]
    gapless = [seq for seq, _ in stored] == list(range(1, len(stored) + 1))
    shown = feed_items or []
    order_ok = all(a[0] <= b[0] for a, b in zip(shown, shown[1:]))
    per_seq = collections.Counter(seq for seq, _ in shown)
    values = collections.Counter(shown)
    repeats = sum(n - 1 for n in values.values())
    missing = [seq for seq, _ in stored if feed_items is not None and per_seq[seq] != run.items]
    recovered = sum(1 for r, (code, _) in diary.receipts.items() if code == 208)
    print(f"attempted {len(diary.attempted)} acknowledged {len(acknowledged)} lost {len(lost)} duplicated {len(doubled) + repeats} "
          f"recovered {recovered} unexpected {len(unexpected)} stored {len(stored)} delivered {len(feed_items or [])} items")
    wrong = []
    if unexpected: wrong.append(f"unexpected: {unexpected[:3]}")
    if doubled or repeats: wrong.append(f"duplicated: {doubled[:3]} {repeats} repeats")
    if not allow_loss:
        if lost: wrong.append(f"lost: {lost[:3]}")
        if not gapless: wrong.append("the sequence has gaps")
        if not order_ok: wrong.append("the feed is out of order")
        if missing: wrong.append(f"not delivered whole: {missing[:3]} of {len(missing)}")
    return wrong, len(lost)


def kill_run(args, settings=()):
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="isac-fault-") as folder:
        os.chmod(folder, 0o755)
        run = Run(pathlib.Path(folder), settings)
        run.items, run.window = args.items, args.window
        try:
            run.feed = Feed(run.bob, pathlib.Path(folder) / "feed.jsonl") if not args.control else None
            run.start_load(args.window, args.items)
            hubs.until("load runs", lambda: run.acks_now() > 100, 60)
            waits = kills(run, args.kills, args.victims.split(","), rng)
            run.finish_load()
            items = None
            if run.feed:
                total = sum(1 for _ in run.stored()) * args.items
                run.feed.wait_all(total)
                run.feed.stop()
                items = run.feed.items()
            wrong, lost = judge(run, items, allow_loss=args.control)
            for victim in sorted({v for _, v in waits}):
                times = sorted(t for t, v in waits if v == victim)
                print(f"  {victim}: {len(times)} kills, receipts again after p50 {times[len(times) // 2]:.2f} s, worst {times[-1]:.2f} s")
            return wrong, lost
        finally:
            if run.load.poll() is None:
                run.load.kill()
            run.hub.stop(expect=None)


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


def power_run(args, settings=()):
    """The data folder lies on an ext4 file system of its own, which is shut down without flushing its journal."""
    rng = random.Random(args.seed)
    work = pathlib.Path(tempfile.mkdtemp(prefix="isac-power-"))
    os.chmod(work, 0o755)
    image, mount, run = work / "disk", work / "mnt", None
    mount.mkdir()
    subprocess.run(["truncate", "-s", "3G", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        os.chmod(mount, 0o755)
        run = Run(mount / "h", settings)
        run.items, run.feed = args.items, None
        run.hub.log_path = work / "hub.log"
        os.sync()       # the copied hub folder and the homes are on the disk; from here on only the hub's own flushes count
        run.start_load(args.window, args.items)
        for cut in range(args.power_cuts):
            before = run.acks_now()
            hubs.until("receipts flow", lambda: run.acks_now() > before + rng.randint(200, 2000), 60)
            fd = os.open(mount, os.O_RDONLY)
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
            os.close(fd)
            kill_tree(run.hub.proc.pid)
            run.hub.proc.wait()
            run.hub.log.close()
            run.hub.proc = None
            hubs.until("unmounted", lambda: subprocess.run(["umount", mount], capture_output=True).returncode == 0, 30)
            subprocess.run(["mount", "-o", "loop", image, mount], check=True)
            run.hub.start(run.port)
            print(f"\rcut {cut + 1}/{args.power_cuts}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        run.finish_load()
        wrong, lost = judge(run, None, allow_loss=args.control)
        run.hub.stop()
        return wrong, lost
    finally:
        if run and run.load and run.load.poll() is None:
            run.load.kill()
        hubs.until("unmounted at the end", lambda: subprocess.run(["umount", mount], capture_output=True).returncode == 0 or not os.path.ismount(mount), 30)
        subprocess.run(["rm", "-rf", work])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--victims", default="core,front,signer,postgres,feed")
    parser.add_argument("--power-cuts", type=int, default=0)
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--items", type=int, default=3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    print(f"seed {args.seed}")
    if args.power_cuts and (os.getuid() or not os.path.exists("/dev/loop-control")):
        print("cutting the power needs root and loop devices: not done here")
        sys.exit(77)
    settings = ["unsafe_async_commit=true"] if args.control else []
    if args.control:
        args.victims = "postgres"
    wrong, lost = (power_run if args.power_cuts else kill_run)(args, settings)
    if args.control:
        wrong = [] if lost else ["the control run lost nothing: this checker is blind"]
    for text in wrong:
        print("FAIL " + text)
    if not wrong:
        print("ok")
    hubs.forget_template()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
