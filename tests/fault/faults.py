"""Faults that are not kills: a disk that fails or is full, a database that answers late or never, a stopped core.

Each is a function (args, rng, work, is_alone): makes its run, injects args.times faults, and returns the run with what the subscriber was
shown, for tally.judge. What a fault must look like to a publisher is asserted on the way.
"""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import disk as disks
from proxy import Proxy
from tally import Diary, Run, hubs, kill_tree


def report_progress(args, number):
    print(f"{args.fault} {number + 1}/{args.times}", flush=True)


def begin(run):
    run.start_feed()
    run.start_load()


def cut_power(run, disk):
    """Off, and on again: the disk has what was flushed."""
    disk.cut_power()
    kill_tree(run.hub.proc.pid)
    run.hub.proc.wait()
    run.hub.proc.stdout.close()
    run.hub.log.close()
    run.hub.proc = None
    disk.unmount()
    disk.mount()


# ---- the disk fails
def eio(args, rng, work, is_alone):
    """fsync gives EIO. Where there can be a disk of its own, every second time the power is cut as well: what could not be flushed is gone."""
    disk = None if disks.why_not(is_alone) else disks.Disk(work, "disk", 3000)
    toggle = work / "eio"
    shutil.copy(hubs.BIN / "isac_fault_fsync.so", work)      # where the hub's user can read it
    env = {"LD_PRELOAD": str(work / "isac_fault_fsync.so"), "ISAC_FSYNC_EIO": str(toggle)}
    try:
        with Run(work, args, env=env, at=disk and disk.mount_point / "h") as run:
            os.sync()
            begin(run)
            for number in range(args.times):
                one_eio(run, toggle)
                if disk and number % 2:
                    cut_power(run, disk)
                    toggle.unlink()
                    run.hub.start(run.port)
                else:
                    toggle.unlink()
                run.until_receipts("the disk was mended")
                report_progress(args, number)
            return run.finish_and_judge()
    finally:
        if disk:
            disk.close()


def one_eio(run, toggle):
    """Until PostgreSQL has met the error, given up, and met it again in its recovery: no receipt is given any more."""
    fresh = toggle.with_suffix(".new")
    fresh.touch()
    fresh.chmod(0o666)
    fresh.rename(toggle)
    hubs.until("fsync fails", lambda: toggle.stat().st_size > 0, 30)
    run.until_code((503, 507), "after fsync failed")
    before, seen = run.acks_now(), toggle.stat().st_size
    hubs.until("PostgreSQL tries again", lambda: toggle.stat().st_size > seen, 60)
    run.until_code((503, 507), "while fsync fails")
    assert run.acks_now() == before, f"{run.acks_now() - before} receipts while nothing can be flushed"


# ---- the disk is full
def full(args, rng, work, is_alone):
    """The data's disk and the WAL's are full in turn."""
    data = disks.Disk(work, "data", 3000)
    try:
        wal = disks.Disk(work, "wal", 256)
        try:
            with Run(work, args, at=data.mount_point / "h", prepare=lambda hub: move_wal(hub, wal)) as run:
                begin(run)
                for number in range(args.times):
                    one_full(run, (data, wal)[number % 2], is_wal=number % 2)
                    report_progress(args, number)
                return run.finish_and_judge()
        finally:
            wal.close()
    finally:
        data.close()


def move_wal(hub, wal):
    folder = hub.folder / "pg/data/pg_wal"
    owner = folder.stat()
    subprocess.run(["cp", "-a", folder, wal.mount_point / "pg_wal"], check=True)
    shutil.rmtree(folder)
    folder.symlink_to(wal.mount_point / "pg_wal")
    os.lchown(folder, owner.st_uid, owner.st_gid)
    with open(hub.folder / "pg/data/postgresql.conf", "a") as conf:
        conf.write("min_wal_size = 32MB\nmax_wal_size = 64MB\n")


def one_full(run, disk, is_wal):
    """Says so: 507, or 503 where PostgreSQL cannot live without the space. The hub itself stays up; when there is room again, it goes on."""
    core = run.hub.pids()["core"]
    disk.fill()
    run.until_code((503, 507) if is_wal else (507,), "the WAL's disk is full" if is_wal else "the data's disk is full", 120)
    assert run.hub.pids().get("core") == core, run.hub.log_text()[-3000:]
    disk.free()
    run.until_receipts("there is room again", 120)


# ---- processes stand still
def stop_backend(args, rng, work, is_alone):
    """The writer's backend is stopped, every second time all of PostgreSQL."""
    with Run(work, args) as run:
        begin(run)
        for number in range(args.times):
            if number % 2:
                victims = family(run.hub.pids()["postgres"])
            else:
                victims = [int(run.hub.sql("select pid from pg_stat_activity where application_name = 'isac writer'"))]
            for pid in victims:
                os.kill(pid, signal.SIGSTOP)
            try:
                for _ in range(2):
                    code, seconds = run.ask()
                    assert code == 503 and seconds < 5, f"{code} after {seconds:.1f} s; wanted 503 within 5 s"
            finally:
                for pid in victims:
                    os.kill(pid, signal.SIGCONT)
            run.until_receipts("PostgreSQL goes on")
            report_progress(args, number)
        return run.finish_and_judge()


def family(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def stop_core(args, rng, work, is_alone):
    """Core stands still for 1 to args.seconds seconds; members wait, and subscribers go on at their cursor."""
    with Run(work, args) as run:
        begin(run)
        for number in range(args.times):
            core, until = run.hub.pids()["core"], time.monotonic() + rng.uniform(1, args.seconds)
            os.kill(core, signal.SIGSTOP)
            while time.monotonic() < until:
                threading.Event().wait(0.05)
            os.kill(core, signal.SIGCONT)
            run.until_receipts("core goes on")
            assert run.hub.pids()["core"] == core, "a core that stood still was replaced"
            shown = run.feed.lines()
            hubs.until("the subscriber goes on", lambda: run.feed.lines() > shown, 60)
            report_progress(args, number)
        return run.finish_and_judge()


# ---- an answer is lost
def lose_answer(args, rng, work, is_alone):
    """The connection to the database is cut when the commit was sent: in turn after it was carried out, and whenever that may be."""
    made = []

    def prepare(hub):
        made.append(start_cluster(hub))
        made.append(Proxy(work / "proxy", hub.folder / "pg/.s.PGSQL.5432"))
        hub.settings.append(f"database=host={made[1].folder} dbname=isac user=isac_core")
    run = Run(work, args, prepare=prepare)
    try:
        with run:
            run.start_feed()
            lose_lone_answer(run, made[1])
            run.start_load()
            for number in range(args.times):
                made[1].lose("sent" if number % 2 else "answered")
                made[1].wait()
                run.until_receipts("a lost answer")
                report_progress(args, number)
            wrong, lost = run.finish_and_judge()
            recovered, certain = Diary(run.diary_path).recovered, (args.times + 1) // 2
            if recovered < certain:
                wrong.append(f"{certain} commits were carried out unheard, and only {recovered} receipts were 208")
            return wrong, lost
    finally:
        if made:
            made[0].send_signal(signal.SIGINT)
            made[0].wait(60)


def lose_lone_answer(run, proxy):
    """No later report tells the live subscriber of one whose commit went unheard: the hub must find out by itself."""
    assert run.ask()[0] == 200
    hubs.until("the first report is shown", lambda: run.feed.lines() == run.items)
    proxy.lose("answered")
    code, _ = run.ask()
    assert code == 208, f"{code} for a report that was stored unheard; wanted 208"
    hubs.until("what was stored unheard is shown", lambda: run.feed.lines() == 2 * run.items)


def start_cluster(hub):
    """The hub's own cluster, but not as its child."""
    folder = hub.folder / "pg"
    (folder / "data/pg_hba.conf").write_text("local all all trust\n")
    owner = folder.stat()
    user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.getuid() == 0 else {}
    program = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))[-1]
    log = open(hub.log_path.with_suffix(".postgres"), "wb")
    proc = subprocess.Popen([program, "-D", folder / "data", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses="],
                            cwd="/", stdout=log, stderr=log, **user)
    log.close()
    hubs.until("PostgreSQL is ready", lambda: "ready" in ((folder / "data/postmaster.pid").read_text() if
                                                          (folder / "data/postmaster.pid").exists() else ""), 60)
    return proc


FAULTS = {"eio": eio, "full": full, "stop-backend": stop_backend, "stop-core": stop_core, "lose-answer": lose_answer}
