"""What the rows play on: one folder, a hub with enrolled members to copy from, load programs, peers. All of it goes when the run ends."""
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/story"))
import feedkit  # noqa: E402
import hub as hubs  # noqa: E402

patience_s = 150        # for one program of a run of scale 1
PUBLISHERS, SUBSCRIBERS = 16, 100
UNLIMITED = ["rate_reports_per_s=10000000", "rate_burst=10000000", "rate_bytes_per_min=100000000000"]

# One row an indicator: the columns of the hub's mention and indicator, and the indexes that the hub keeps on them.
TABLE = """CREATE SCHEMA bench; CREATE TABLE bench.ind (seq bigint NOT NULL, item smallint NOT NULL, key uuid NOT NULL, publisher_id integer NOT NULL,
type smallint NOT NULL, value text NOT NULL, addr inet, rdom text COLLATE "C", confidence smallint, severity smallint, held boolean NOT NULL, tags text[] NOT NULL,
raw text, first_seen timestamptz, last_seen timestamptz, valid_from timestamptz, valid_until timestamptz, asn bigint, PRIMARY KEY (seq, item));
CREATE INDEX ON bench.ind (key, seq); CREATE INDEX ON bench.ind (addr) WHERE addr IS NOT NULL; CREATE INDEX ON bench.ind (rdom) WHERE rdom IS NOT NULL;
CREATE TABLE bench.kb (id bigserial PRIMARY KEY, body text NOT NULL)"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def times(path, ended=False):
    """Name and seconds of CPU of a process or thread; or (ended) of the children that it has waited for."""
    try:
        text = path.read_text()
    except OSError:         # it has just ended
        return "?", 0.0
    name, rest = text[text.index("(") + 1:].rsplit(")", 1)
    return name, sum(map(int, rest.split()[13:15] if ended else rest.split()[11:13])) / os.sysconf("SC_CLK_TCK")


class Program:
    """A load program: prepares, says "ready", starts when told, answers with one JSON object."""

    def __init__(self, argv, **kw):
        self.argv = [str(a) for a in argv]
        self.proc = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)

    def line(self):
        got, _, _ = select.select([self.proc.stdout], [], [], patience_s)
        line = self.proc.stdout.readline() if got else ""
        if not line:
            self.fail("said nothing")
        return line.strip()

    def ready(self):
        line = self.line()
        if line != "ready":
            self.fail(f"said {line!r} for ready")
        return self

    def go(self):
        self.proc.stdin.write("go\n")
        self.proc.stdin.flush()
        return self

    def result(self):
        try:
            out, err = self.proc.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self.fail("did not end")
        if self.proc.returncode:
            raise RuntimeError(f"{' '.join(self.argv[:4])} gave {self.proc.returncode}: {out.strip()} {err.strip()}")
        return json.loads(out.splitlines()[-1])

    def fail(self, what):
        self.proc.kill()
        _, err = self.proc.communicate()
        raise RuntimeError(f"{' '.join(self.argv[:4])} {what}: {err.strip()}")

    def stop(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.communicate()

    def stop_endless(self):
        """Ends one that would go on for ever: had it ended by itself, what was measured beside it would say nothing."""
        if self.proc.poll() is not None:
            self.fail("ended by itself")
        self.stop()


class Hub:
    """A copy of the enrolled hub, and the programs against it."""

    def __init__(self, stage, folder, settings, host):
        self.stage, self.hub, self.next = stage, hubs.Hub(folder, settings), 0
        self.hub.start(host=host)
        self.hub.sql(TABLE)

    def load(self, reports, items, *args, publishers=PUBLISHERS):
        first, self.next = self.next, self.next + reports
        return self.stage.program("load", "--hub", self.hub.request_endpoint, "--reports", reports, "--items", items, "--first", first, *args,
                                  *self.stage.publishers[:publishers])

    def publish(self, *args, **kw):
        return self.load(*args, **kw).ready().go().result()

    def feed(self, sessions, entries, *args, prefix=()):
        keys = [word for home in self.stage.publishers for word in ("--publisher", home)]
        return self.stage.program("feed", "--hub", self.hub.feed_endpoint, "--sessions", sessions, "--entries", entries, "--first", self.next, *keys, *args,
                                  *self.stage.subscribers, prefix=prefix)

    def subscriber(self, *prefix):
        """A member's own `isac subscribe`, which lists what it got in a file."""
        path = self.stage.folder / f"list{self.next}"
        with open(path, "wb") as out, open(self.stage.folder / "list.err", "ab") as err:
            self.stage.started.append(Listing(subprocess.Popen([*prefix, hubs.BIN / "isac", "--home", self.stage.subscribers[-1], "--hub", self.hub.request_endpoint,
                                                                "--json", "subscribe", "--from", "now"], stdout=out, stderr=err), path))
        return self.stage.started[-1]

    def memory(self):
        """Kilobytes that core and front hold."""
        pids = self.hub.pids()
        return {name: feedkit.rss(pids[name]) for name in ("core", "front")}

    def as_postgres(self):
        """Popen arguments of a program that may speak to the hub's cluster, and the host to name; as the hub's own tools reach it."""
        folder = self.hub.folder / "pg"
        if not hasattr(self, "fd"):
            self.fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        user = {"user": folder.stat().st_uid} if os.getuid() == 0 else {}
        return {"cwd": "/", "pass_fds": [self.fd], **user}, f"/proc/self/fd/{self.fd}"

    def pg(self, *args):
        """A yardstick in the hub's cluster."""
        kw, host = self.as_postgres()
        return self.stage.program("pg", f"host={host} user=postgres dbname=isac", *args, **kw).ready().go().result()

    def pgbench(self, sessions, seconds):
        kw, host = self.as_postgres()
        out = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", str(sessions), "-j", "2", "-T", str(seconds), "-f", str(self.stage.script), "-h", host,
                              "-U", "postgres", "isac"], capture_output=True, text=True, check=True, timeout=patience_s, **kw).stdout
        return next(float(line.split()[2]) for line in out.splitlines() if line.startswith("tps"))

    def cpu(self):
        """Seconds of CPU so far: of front and signer, of each of core's threads, and of what serves PostgreSQL."""
        found, pids = {}, self.hub.pids()
        for name, pid in pids.items():
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                thread, seconds = times(task / "stat")
                key = f"core:{thread}" if name == "core" else name
                found[key] = found.get(key, 0) + seconds
        postmaster = pathlib.Path(f"/proc/{pids['postgres']}")
        found["postgres"] += times(postmaster / "stat", ended=True)[1]
        for pid in (postmaster / f"task/{pids['postgres']}/children").read_text().split():
            found["postgres"] += times(pathlib.Path(f"/proc/{pid}/stat"))[1]
        return found

    def stop(self):
        if hasattr(self, "fd"):
            os.close(self.fd)
        self.hub.stop(expect=None)
        shutil.rmtree(self.hub.folder, ignore_errors=True)


class Stage:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="isac-bench-"))
        os.chmod(self.folder, 0o755)
        self.started, self.hubs, self.count = [], [], 0
        self.script = self.folder / "insert.sql"
        self.script.write_text(f"INSERT INTO bench.kb (body) VALUES ('{'x' * 1000}');\n")
        self.bin = self.folder / "bin"          # where the hub's database user can reach them, wherever the checkout lies
        self.bin.mkdir()
        for program in hubs.BIN.glob("isac_bench_*"):
            shutil.copy(program, self.bin)
        self.enrol()

    def enrol(self):
        base = hubs.make(self.folder / "base", UNLIMITED)
        try:
            base.start()
            self.publishers = [base.enrol(f"p{i}", "publisher").home for i in range(PUBLISHERS)]
            self.subscribers = [base.enrol(f"s{i}", "subscriber").home for i in range(SUBSCRIBERS)]
        finally:
            base.stop(expect=None)
            hubs.forget_template()
        self.base = base.folder

    def hub(self, *settings, host="127.0.0.1"):
        """A fresh hub with everybody enrolled."""
        self.count += 1
        folder = self.folder / f"hub{self.count}"
        subprocess.run(["cp", "-a", str(self.base), str(folder)], check=True)
        self.hubs.append(Hub(self, folder, [*UNLIMITED, *settings], host))
        return self.hubs[-1]

    def program(self, name, *args, prefix=(), **kw):
        self.started.append(Program([*prefix, self.bin / f"isac_bench_{name}", *args], **kw))
        return self.started[-1]

    def daemon(self, argv, port):
        """A peer; it is up when its port answers."""
        log = open(self.folder / "peer.log", "ab")
        proc = subprocess.Popen([str(a) for a in argv], stdout=log, stderr=log)
        log.close()
        self.started.append(Process(proc))

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        hubs.until(f"{argv[0]} answers", answers)
        return self.started[-1]

    def close(self):
        for one in reversed(self.started):
            one.stop()
        for one in self.hubs:
            if one.hub.proc:
                one.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Process:
    def __init__(self, proc):
        self.proc = proc

    def stop(self):
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()


class Listing(Process):
    """A subscriber that goes on for ever; its list grows in a file."""

    def __init__(self, proc, path):
        super().__init__(proc)
        self.path = path

    def entries(self):
        return self.path.read_bytes().count(b"\n")

    def stop_endless(self):
        if self.proc.poll() is not None:
            raise RuntimeError(f"isac subscribe ended by itself: {(self.path.parent / 'list.err').read_text().strip()}")
        self.stop()
