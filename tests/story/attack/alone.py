"""Front alone between attackers and a dummy core: what core gets can be counted, and nothing else needs to run.

Has the parts of the `hub` fixture that these stories use. Like isacd's parent it starts front again when it dies, at the same port.
"""
import os
import pathlib
import select
import subprocess
import tempfile
import threading

from nacl import bindings

import hub

from . import zmtp
from .dummy_core import Core

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("ISAC_BIN", ROOT / "build/release/bin"))
PROGRAM = pathlib.Path(os.environ.get("ISAC_FRONT_ALONE", BIN / "unit_front_run"))


class Alone:
    def __init__(self, memory=64 << 20, connections=1000, handshake_ms=2000, descriptors=None):
        self.folder = tempfile.TemporaryDirectory(prefix="isac-front-")
        self.core = Core(self.folder.name)
        self.curve_public, self.curve_secret = zmtp.keypair()
        self.settings = (handshake_ms, connections, memory)
        self.descriptors = descriptors
        self.identities = {}
        self.stopping = self.started = False
        self.restarts = 0
        self.changed = threading.Condition()
        self.log = open(os.path.join(self.folder.name, "front.log"), "wb")
        self.request_endpoint = self.feed_endpoint = "tcp://127.0.0.1:0"
        self.enrol("honest")
        self.start()
        self.started = True
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def start(self):
        argv = [PROGRAM, self.curve_secret.hex(), self.request_endpoint, self.feed_endpoint, self.core.paths["R"], self.core.paths["F"]]
        limit = ["prlimit", f"--nofile={self.descriptors}:{self.descriptors}"] if self.descriptors else []
        self.proc = subprocess.Popen([*limit, *map(str, argv), *map(str, self.settings)], stdout=subprocess.PIPE, stderr=self.log)
        ready, _, _ = select.select([self.proc.stdout], [], [], zmtp.PATIENCE)
        line = self.proc.stdout.readline().decode() if ready else ""
        assert line.startswith("ready tcp://"), (line, self.log_text())
        self.request_endpoint = line.split()[1]
        host, port = self.request_endpoint.rsplit(":", 1)
        self.feed_endpoint = f"{host}:{int(port) + 1}"

    def watch(self):
        while True:
            self.proc.wait()
            self.proc.stdout.close()
            if self.stopping:
                return
            self.start()
            with self.changed:
                self.restarts += 1
                self.changed.notify_all()

    def stop(self):
        self.stopping = True
        self.proc.kill()
        self.watcher.join()
        self.core.stop()
        self.log.close()
        said = self.log_text()
        self.folder.cleanup()
        hub.no_reports(said)

    def log_text(self):
        return pathlib.Path(self.folder.name, "front.log").read_text(errors="replace")

    def pids(self):
        return {"front": self.proc.pid}

    # ---- members
    def enrol(self, name):
        identity = zmtp.keypair()
        self.identities[name] = identity
        self.core.keys[identity[0]] = name
        if self.started:
            self.core.tell()
        return identity

    def identity(self, name):
        return self.identities.get(name) or self.enrol(name)

    def suspend(self, name):
        del self.core.keys[self.identities[name][0]]
        self.core.tell()


class Live:
    """A whole hub, seen the same way; there is no counting what reaches core."""
    core = None

    def __init__(self, hub):
        self.hub = hub
        self.request_endpoint, self.feed_endpoint = hub.request_endpoint, hub.feed_endpoint
        self.curve_public = hub.curve_public

    def pids(self):
        return self.hub.pids()

    def identity(self, name):
        secret = bytes.fromhex(pathlib.Path(self.hub.home(name), "curve.key").read_text())
        return bindings.crypto_scalarmult_base(secret), secret

    def suspend(self, name):
        self.hub.admin.isac("admin", "member", "suspend", name)

    def log_text(self):
        return self.hub.log_text()
