"""A live hub and its members, for stories: real programs, real PostgreSQL, real sockets, free ports.

`isacd init` runs once for a session of tests; every hub is a copy of that folder, so that a story starts in well under a second.
"""
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ISAC_BIN", ROOT / "build/release/bin"))
SLOW = int(os.environ.get("ISAC_SLOW", "1"))        # sanitizers: every patience is multiplied by this
REPORTS = re.compile(r"ERROR: AddressSanitizer|runtime error:|WARNING: ThreadSanitizer|LeakSanitizer|==\d+==ERROR")

_template = None
_running = set()


def template():
    """A freshly initialised hub folder, made once."""
    global _template
    if _template is None:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="isac-template-"))
        os.chmod(folder, 0o755)
        run(BIN / "isacd", "init", "--data", folder / "hub", "--listen", "tcp://127.0.0.1:7400")     # every run says another
        _template = folder
    return _template / "hub"


def running():
    """The hubs of this session that are not stopped."""
    return list(_running)


def forget_template():
    global _template
    for hub in running():                     # whose story broke off before it could stop them
        hub.stop(expect=None)
    if _template is not None:
        shutil.rmtree(_template, ignore_errors=True)
        _template = None


def no_reports(text):
    """A sanitizer's report is a failure, whatever became of the process that made it."""
    found = REPORTS.search(text)
    assert not found, text[max(0, found.start() - 500):][:12000]


def run(*argv, ok=(0,), stdin=None, timeout=60, **kw):
    """Runs a program to its end and returns it; fails the story with all it said unless its status is expected."""
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, text=True, timeout=timeout * SLOW, **kw)
    no_reports(done.stderr)
    assert done.returncode in ok, f"{argv} gave {done.returncode}\nstdout: {done.stdout}\nstderr: {done.stderr}"
    return done


def until(what, check, seconds=20):
    """Waits for an event by asking for it; what it waits for is in the failure."""
    end = time.monotonic() + seconds * SLOW
    while True:
        got = check()
        if got:
            return got
        assert time.monotonic() < end, f"never happened: {what}"
        select.select([], [], [], 0.02)


class Member:
    """One member's home and its command line."""

    def __init__(self, hub, name, home):
        self.hub, self.name, self.home = hub, name, home

    def argv(self, *args):
        return [str(BIN / "isac"), "--home", str(self.home), "--hub", self.hub.request_endpoint, *map(str, args)]

    def isac(self, *args, **kw):
        return run(*self.argv(*args), **kw)

    def json(self, *args, **kw):
        """stdout as a list of objects"""
        return [json.loads(line) for line in self.isac("--json", *args, **kw).stdout.splitlines()]

    def publish(self, *values, tlp="green", args=(), **kw):
        """Publishes one plain value a line; returns the receipts."""
        return self.json("publish", "--tlp", tlp, "--format", "plain", *args, stdin="".join(v + "\n" for v in values), **kw)

    def publish_jsonl(self, objects, tlp="green", args=(), **kw):
        return self.json("publish", "--tlp", tlp, "--format", "jsonl", *args, stdin="".join(json.dumps(o) + "\n" for o in objects), **kw)

    def start(self, *args):
        """A command left running; stop it with .terminate() and .wait()."""
        proc = subprocess.Popen(self.argv("--json", *args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.hub.started.append(proc)
        return proc


class Hub:
    def __init__(self, folder, settings=(), env=None):
        self.folder = pathlib.Path(folder)
        self.settings, self.env = list(settings), {**os.environ, **(env or {})}
        self.proc, self.started, self.members = None, [], {}
        self.log_path = self.folder.parent / (self.folder.name + ".log")
        self.request_endpoint = self.feed_endpoint = None

    def start(self, port=0, ok=True, host="127.0.0.1"):
        argv = [str(BIN / "isacd"), "run", "--data", str(self.folder), "--listen", f"tcp://{host}:{port}"]
        for setting in self.settings:
            argv += ["--set", setting]
        self.log = open(self.log_path, "ab")
        _running.add(self)
        self.proc = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env)
        ready, _, _ = select.select([self.proc.stdout], [], [], 60 * SLOW)
        line = self.proc.stdout.readline() if ready else ""
        found = re.match(r"isacd: ready (tcp://\S+:(\d+))", line)
        assert found or not ok, f"hub did not get ready: {line!r}\n{self.log_text()[-4000:]}"
        if found:
            self.request_endpoint = found.group(1)
            host, port = found.group(1).rsplit(":", 1)
            self.port = int(port)
            self.feed_endpoint = f"{host}:{self.port + 1}"
        return self

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def state(self):
        """The end of its log, and where each of its threads stands: for whoever reads of a failure elsewhere."""
        stands = []
        with contextlib.suppress(OSError):
            for name, pid in self.pids().items():
                for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir()):
                    fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
                    stands.append(f"{name} {(task / 'comm').read_text().strip()} {fields[0]} in {(task / 'wchan').read_text()}"
                                  f" ticks {fields[11]}+{fields[12]}")
        return "\n".join([*self.log_text().splitlines()[-40:], *stands])

    def stop(self, expect=0):
        said = []
        for proc in self.started:
            if proc.poll() is None:
                proc.kill()
            said.append(proc.communicate()[1] or "")
        self.started = []
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
        if self.proc:
            status = self.proc.wait(timeout=60 * SLOW)
            self.proc.stdout.close()
            self.log.close()
            self.proc = None
            _running.discard(self)
            for text in [*said, self.log_text()]:
                no_reports(text)
            assert expect is None or status == expect, f"isacd ended with {status}\n{self.log_text()[-4000:]}"

    def finish(self):
        """Stops it for good. A cluster is 50 MB: the folder goes, the log stays beside it."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def admin(self):
        return Member(self, "admin", self.folder / "admin")

    @property
    def curve_public(self):
        return bytes.fromhex(dict(line.split(None, 1) for line in (self.folder / "hub.pub").read_text().splitlines() if " " in line)["curve_public"])

    def keygen(self, name, folder=None):
        home = self.folder.parent / f"home-{folder or name}"
        run(BIN / "isac", "--home", home, "keygen", "--hub-key", self.folder / "hub.pub", "--hub", self.request_endpoint, "--name", name)
        return Member(self, name, home)

    def enrol(self, name, role="publisher,subscriber", *args):
        member = self.keygen(name)
        self.admin.isac("admin", "member", "add", member.home / "member.pub", "--role", role, *args)
        self.members[name] = member
        return member

    def home(self, name):
        return (self.members.get(name) or self.enrol(name)).home

    def pids(self):
        """Process name -> pid, of the parent's direct children and itself."""
        found = {"parent": self.proc.pid}
        for pid in pathlib.Path(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children").read_text().split():
            try:
                argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--role" in argv:
                found[argv[argv.index(b"--role") + 1].decode()] = int(pid)
            elif b"postgres" in argv[0]:
                found["postgres"] = int(pid)
        return found

    def sql(self, text):
        """Runs SQL as the cluster's superuser, as an operator with a shell could; returns psql's unaligned rows."""
        folder = self.folder / "pg"
        user = {"user": folder.stat().st_uid} if os.getuid() == 0 else {}
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)      # the folder may lie below one that this user cannot pass
        try:
            return run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", f"/proc/self/fd/{fd}", "-U", "postgres", "isac", "-c", text,
                       cwd="/", pass_fds=[fd], **user).stdout
        finally:
            os.close(fd)

    def stat(self, name):
        rows = {row["name"]: int(row["value"]) for row in self.admin.json("admin", "stats")}
        return rows[name]


def make(folder, settings=(), env=None):
    """A hub below `folder`, a copy of the template, not started."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(template()), str(folder / "hub")], check=True)
    return Hub(folder / "hub", settings, env)
