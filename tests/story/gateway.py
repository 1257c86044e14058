"""A live isac-gateway of a hub, and a caller of it: real TLS, real HTTP, by Python's own."""
import http.client
import json
import os
import pwd
import re
import select
import signal
import socket
import ssl
import subprocess

from hub import BIN, SLOW, no_reports


class Answer:
    def __init__(self, response):
        self.code, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def values(self):
        return [line for line in self.text.splitlines() if not line.startswith("#")]


class Gateway:
    def __init__(self, hub, *args):
        self.hub = hub
        self.member = hub.enrol("gateway", "gateway")
        self.home = self.member.home
        self.log_path = hub.folder.parent / "gateway.log"
        self.log = open(self.log_path, "ab")
        if os.getuid() == 0:                    # it does not run as root
            owner = pwd.getpwnam("postgres")
            for path in [self.home, *self.home.rglob("*")]:
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self.proc = subprocess.Popen([BIN / "isac-gateway", "--hub", hub.request_endpoint, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
                                      "--data", self.home, "--refresh", "0", *args], stdout=subprocess.PIPE, stderr=self.log, text=True)
        ready, _, _ = select.select([self.proc.stdout], [], [], 30 * SLOW)
        line = self.proc.stdout.readline() if ready else ""
        found = re.match(r"isac-gateway: ready https://127.0.0.1:(\d+) metrics http://127.0.0.1:(\d+)\n", line)
        assert found, f"the gateway did not get ready: {line!r}\n{self.log_text()}"
        self.port, self.metrics_port = int(found[1]), int(found[2])
        self.url = f"https://localhost:{self.port}"
        self.cert = self.home / "tls/cert.pem"
        self.tls = ssl.create_default_context(cafile=str(self.cert))

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """Twice is harmless."""
        if self.log.closed:
            return
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
        status = self.proc.wait(timeout=30 * SLOW)
        self.proc.stdout.close()
        self.log.close()
        no_reports(self.log_text())
        assert status == 0, f"isac-gateway ended with {status}\n{self.log_text()[-4000:]}"

    def connect(self):
        return http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=60 * SLOW)

    def ask(self, path, token=None, method="GET", body=None, **headers):
        connection = self.connect()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def local(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=60 * SLOW)
        connection.request("GET", path)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def raw(self, data):
        """Bytes as they are, and all that comes back until the gateway ends the connection."""
        with self.socket() as s:
            s.sendall(data)
            return read_all(s)

    def socket(self):
        return self.tls.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=60 * SLOW), server_hostname="localhost")

    def metric(self, name):
        rows = dict(line.split() for line in self.local("/metrics").text.splitlines() if not line.startswith("#"))
        return int(rows[name])


def read_all(s):
    got = b""
    while True:
        try:
            more = s.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return got
        if not more:
            return got
        got += more


class Stream:
    """A caller of /stream: events as they come, as a browser would read them."""

    def __init__(self, gateway, collection, token, last=None):
        self.connection = gateway.connect()
        headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": str(last)} if last is not None else {})}
        self.connection.request("GET", f"/stream/{collection}", None, headers)
        self.response = self.connection.getresponse()
        self.last = last

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next(self):
        """(event, data) of the next event; None at the end."""
        event, data = "message", None
        while line := self.response.readline().decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "id":
                self.last = int(value)
            elif field == "event":
                event = value
            elif field == "data":
                data = json.loads(value)
            elif line == "\n" and data is not None:
                return event, data
        return None

    def values(self, n):
        return [self.next()[1]["value"] for _ in range(n)]
