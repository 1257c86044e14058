#!/usr/bin/python3
"""Runs the benchmark and prints its table: see README.md beside this file."""
import argparse
import datetime
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

import rows
import stage as stages

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ["ingest", "sustained", "single", "verifiers", "receipt", "delivery", "halfload", "fanout", "batched", "catchup", "storm", "neighbours", "matching", "edge"]
MARK = "<!-- everything below this line is written by run.py --write -->"


def figure(v):
    return f"{v / 1e6:.2f} M" if v >= 1e6 else f"{v / 1e3:.1f} k" if v >= 1e4 else f"{v:,.0f}"


def cell(values):
    return f"{figure(statistics.median(values))} ±{rows.spread(values) / 2:.0%}"


def table(lines):
    out = ["| goal | what | unit | isac | yardstick | its figure | ratio | wanted | verdict |", "|---|---|---|---|---|---|---|---|---|"]
    for n in lines:
        out.append(f"| {n.row} | {n.what} | {n.unit} | {cell(n.hub)} | {n.yard_name} | {cell(n.yard)} | {n.ratio:.2f} | {n.goal} | {n.verdict} |")
    return out


def notes(lines):
    return [f"- {n.what}, against {n.yard_name}: {n.note}." for n in lines if n.note]


def output(*argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, cwd=HERE)
    except OSError:
        return "?"
    return (done.stdout + done.stderr).strip()


def package(name):
    return output("dpkg-query", "-W", "-f", "${Version}", name).splitlines()[0]


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) // 1048576 + 1
    disk = output("stat", "-f", "-c", "%T", "/tmp")
    return [f"- {datetime.date.today()}, commit {output('git', 'rev-parse', '--short', 'HEAD')}"
            f"{' with changes' if output('git', 'status', '--porcelain', '--', '../../broker', '../../proto', '../../clients', '../../sql') else ''}.",
            f"- {os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, {memory} GB, {disk}, kernel {platform.release()}; load before the run {os.getloadavg()[0]:.1f}.",
            "- " + ", ".join(f"{name} {package(name)}" for name in ("postgresql-15", "libzmq5", "libsodium23", "mosquitto", "nats-server")) + "."]


def write(text):
    path = HERE / "RESULTS.md"
    old = path.read_text() if path.exists() else f"# Results\n\n{MARK}\n"
    path.write_text(old.split(MARK)[0] + MARK + "\n" + text + "\n")


def run(names, rounds, scale):
    stage, lines = None, []
    start = time.monotonic()
    try:
        stage = stages.Stage()
        play = rows.Rows(stage, rounds, scale)
        for name in names:
            before = time.monotonic()
            try:
                for line in getattr(play, name)():
                    lines.append(line)
                    print(f"bench: {line.what}: {cell(line.hub)} {line.unit}, {line.yard_name} {cell(line.yard)}: {line.ratio:.2f}", flush=True)
            except Exception as failure:        # one broken row must not cost the others; the exit status tells
                print(f"bench: {name} FAILED: {failure}", file=sys.stderr, flush=True)
                run.failed = True
                for hub in stage.hubs:
                    if hub.hub.proc:
                        hub.stop()
            print(f"bench: {name} took {time.monotonic() - before:.0f} s", file=sys.stderr, flush=True)
    finally:
        if stage:
            stage.close()
    print(f"bench: {time.monotonic() - start:.0f} s in all", file=sys.stderr)
    return lines


run.failed = False


def main():
    parser = argparse.ArgumentParser(prog="run.sh")
    parser.add_argument("--only", choices=NAMES, action="append", help="this row only; may be given again")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="size of each round")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    stages.patience_s *= max(1, args.scale)
    missing = [name for name in ("mosquitto", "nats-server", "pgbench", "mosquitto_passwd") if not shutil.which(rows.find(name))]
    if missing:
        sys.exit(f"bench: missing: {' '.join(missing)} (sh docker/deps.sh bench)")
    head = machine()
    lines = run(args.only or NAMES, max(1, args.rounds), args.scale)
    text = "\n".join(head + ["", f"Medians of {args.rounds} alternating rounds, ± half the range; scale {args.scale:g}.", ""] + table(lines) + [""] + notes(lines))
    print("\n" + text)
    if args.write and not run.failed:
        write(text)
    sys.exit(1 if run.failed else 0)


main()
