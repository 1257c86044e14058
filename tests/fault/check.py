#!/usr/bin/python3
"""Proves durability: breaks the hub under load and counts what became of every report.

  python3 tests/fault/check.py [--kills N] [--victims core,front,signer,postgres,feed] [--seed S]     random kills by pid
  python3 tests/fault/check.py --control             the same kills with synchronous_commit forced off: MUST show loss
  python3 tests/fault/check.py --power-cuts N        (root) cuts the power of a file system of its own, by ext4's shutdown ioctl
  python3 tests/fault/check.py --fault eio           fsync and fdatasync of PostgreSQL fail; as root with a power cut every second time
  python3 tests/fault/check.py --fault full          (root) the data's disk is full, then the WAL's, in turn
  python3 tests/fault/check.py --fault stop-backend  the writer's backend stands still, then all of PostgreSQL, in turn
  python3 tests/fault/check.py --fault stop-core     core stands still for 1 to --seconds seconds
  python3 tests/fault/check.py --fault lose-answer   the connection to PostgreSQL is cut after the commit was sent
--times N says how often a fault is made.

Prints attempted, acknowledged, lost, duplicated, recovered, unexpected; exits 0 only if all is as it must be, 77 if it cannot be done here.
  lost        acknowledged, but not in the store under the acknowledged seq
  duplicated  stored twice, or shown twice to a subscriber that keeps its cursor
  recovered   stored and not acknowledged at first: found again by sending again
  unexpected  stored and never attempted, or refused for no reason
"""
import argparse
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

import alone
import disk as disks
from faults import FAULTS, cut_power
from tally import Run, hubs


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
        os.kill(pid, signal.SIGKILL)
        waits.append((run.until_receipts(f"kill {number} of {victim}"), victim))
        print(f"\rkill {number + 1}/{count} {victim:10}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return waits


def kill_run(args, rng, work, is_alone):
    with Run(work, args, ["unsafe_async_commit=true"] if args.control else []) as run:
        if not args.control:
            run.start_feed()
        run.start_load()
        waits = kills(run, args.kills, args.victims.split(","), rng)
        wrong, lost = run.finish_and_judge(allow_loss=args.control)
    for victim in sorted({v for _, v in waits}):
        times = sorted(t for t, v in waits if v == victim)
        print(f"  {victim}: {len(times)} kills, receipts again after p50 {times[len(times) // 2]:.2f} s, worst {times[-1]:.2f} s")
    if args.control:
        wrong = [] if lost else ["the control run lost nothing: this checker is blind"]
    return wrong, lost


def power_run(args, rng, work, is_alone):
    """The data folder lies on an ext4 file system of its own, which is shut down without flushing its journal."""
    disk = disks.Disk(work, "disk", 3000)
    try:
        with Run(work, args, ["unsafe_async_commit=true"] if args.control else [], at=disk.mount_point / "h") as run:
            os.sync()       # the copied hub folder and the homes are on the disk; from here on only the hub's own flushes count
            if not args.control:
                run.start_feed()
            run.start_load()
            for cut in range(args.power_cuts):
                before, enough = run.acks_now(), rng.randint(200, 2000)
                hubs.until("receipts flow", lambda: run.acks_now() > before + enough, 60)
                cut_power(run, disk)
                run.hub.start(run.port)
                print(f"\rcut {cut + 1}/{args.power_cuts}", end="", file=sys.stderr, flush=True)
            print(file=sys.stderr)
            return run.finish_and_judge(allow_loss=args.control)
    finally:
        disk.close()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--victims", default="core,front,signer,postgres,feed")
    parser.add_argument("--power-cuts", type=int, default=0)
    parser.add_argument("--fault", choices=sorted(FAULTS))
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5, help="longest stand-still of stop-core")
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--items", type=int, default=3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    if args.control:
        args.victims = "postgres"
    return args


def main():
    args = arguments()
    is_alone = alone.enter()
    print(f"seed {args.seed}", flush=True)
    why_not = disks.why_not(is_alone) if args.power_cuts or args.fault == "full" else None
    if why_not:
        print(f"not done here: {why_not}")
        sys.exit(77)
    does = FAULTS[args.fault] if args.fault else power_run if args.power_cuts else kill_run
    try:
        with tempfile.TemporaryDirectory(prefix="isac-fault-") as folder:
            os.chmod(folder, 0o755)
            wrong, _ = does(args, random.Random(args.seed), pathlib.Path(folder), is_alone)
    finally:
        hubs.forget_template()
    for text in wrong:
        print("FAIL " + text)
    if not wrong:
        print("ok")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
