"""isac-edge as an operator sees it: keys of a capture file, tables filled from files, and three real routers in network namespaces.

The keys are computed here a second time, from the specification in clients/README.md, with hashlib alone.
"""
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import textwrap
import time

import pytest

from hub import BIN, SLOW, no_reports, run, until

EPOCH = bytes(range(32))
P = bytes.fromhex("450000522ad90000ff06c41fc0a801020a010102976d0050103e020810d94a1350021000ad670000") + b"Thank you for carefully reading this RFC.\n"
V6 = bytes.fromhex("6e0abcde0010113f" "20010db8000000000000000000000001" "20010db8000000000000000000000002" "1f90003500101234" "0102030405060708")
T0 = 1764057600
H28_KEY = "6a49092d36dbc56e56783d94afc35640b3f29773a0cc1741aa55c26575157e4a"


def key4(packet, transport=True):
    """H28 of a whole packet or a first fragment, else H20."""
    ident, src_dst = packet[4:6], packet[12:20]
    data = b"\x45\0\0\0" + ident + b"\0\0\0" + packet[9:10] + b"\0\0" + src_dst
    start = (packet[0] & 15) * 4
    return hmac.new(EPOCH, data + (packet[start:start + 8] if transport else b""), hashlib.sha256).hexdigest()


def key6(packet):
    """H48 of a packet without extension headers."""
    return hmac.new(EPOCH, b"\x60\0\0\0" + packet[4:7] + b"\0" + packet[8:48], hashlib.sha256).hexdigest()


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp(pseudo, port, body):
    head = struct.pack("!HHHH", 40000, port, 8 + len(body), 0)
    return head[:6] + struct.pack("!H", checksum(pseudo + head + body) or 0xffff) + body


def ipv4(src, dst, ident, payload, fragment=0, proto=17):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, fragment, 64, proto, 0, socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp4(src, dst, ident, port, body):
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 17, 8 + len(body))
    return ipv4(src, dst, ident, udp(pseudo, port, body))


def udp6(src, dst, port, body):
    src, dst = socket.inet_pton(socket.AF_INET6, src), socket.inet_pton(socket.AF_INET6, dst)
    data = udp(src + dst + struct.pack("!IHBB", 8 + len(body), 0, 0, 17), port, body)
    return struct.pack("!IHBB", 0x60012345, len(data), 17, 64) + src + dst + data


def pcap(path, packets, link=101):
    """A capture file of (time in seconds, packet)."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link))
        for at, packet in packets:
            us = round(at * 1e6)
            out.write(struct.pack("<IIII", us // 10**6, us % 10**6, len(packet), len(packet)) + packet)
    return path


def edge(*argv, **kw):
    return run(BIN / "isac-edge", *argv, **kw)


def lookup(data, key, at, *more, tolerance=0):
    done = edge("lookup", "--data", data, "--key", key, "--at", at if isinstance(at, str) else rfc3339(at), "--tolerance", tolerance, "--json", *more, ok=(0, 1))
    answer = json.loads(done.stdout)
    assert done.returncode == (answer["status"] in ("NotFound", "Unknown"))
    return answer


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.fixture
def place():
    """A folder that an ordinary user can walk into, with an epoch key that belongs to nobody."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="isac-edge-"))
    folder.chmod(0o755)
    key = folder / "epoch.key"
    key.write_text(EPOCH.hex() + "\n")
    key.chmod(0o600)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(key, nobody.pw_uid, nobody.pw_gid)
    yield folder
    shutil.rmtree(folder)


def conf(place, name, *lines):
    path = place / f"{name}.conf"
    path.write_text("\n".join((f"data = {name}.tables", "epoch_key = epoch.key", "user = nobody") + lines) + "\n")
    return path


# ---- keys ----

def test_digest_prints_profile_and_key(place):
    later = ipv4("192.168.1.2", "10.1.1.2", 0x2ad9, P[40:], fragment=5, proto=6)
    file = pcap(place / "a.pcap", [(T0, P), (T0 + 1, V6), (T0 + 2, later), (T0 + 3, b"\x44" + P[1:]), (T0 + 4, P[:27])])
    done = edge("digest", file, "--epoch-key", EPOCH.hex(), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("profile", line.get("fault")) for line in lines] == ["H28", "H48", "H20", "bad", "short"]
    assert lines[0]["key"] == H28_KEY == key4(P)
    assert lines[1]["key"] == "5276560e8dcd18622840b61b6055486d34c48df84796ff1e6165ea833d54a484" == key6(V6)
    assert lines[2]["key"] == "a1f7d8e7f7d9a2a5948aa3661d95030d8251daeceb31bcd32337b78faeb76467" == key4(P, False)
    # What PACKTER computes for the InterTrack client.
    assert hashlib.md5(bytes.fromhex(lines[0]["input"])).hexdigest() == "edecb806db4f98490a888f4acd65dcbf"
    assert lines[0]["src"] == "192.168.1.2" and lines[1]["dst"] == "2001:db8::2" and lines[0]["time"] == "2025-11-25T08:00:00Z"
    assert "1 frames not digested: short" in done.stderr and "1 frames not digested: bad" in done.stderr


def test_digest_without_a_key_shows_a_plain_hash(place):
    done = edge("digest", pcap(place / "a.pcap", [(T0, P)]))
    assert done.stdout.split()[:3] == ["2025-11-25T08:00:00Z", "H28", "sha256:8e783aa500daed4ab58b444c9f0bb3bb84fa1e22fdd4b28b605f63e250c2b708"]


def test_what_cannot_be_used_is_said(place):
    (place / "text").write_text("no capture file, but long enough to be one")
    assert "text" in edge("digest", place / "text", ok=(1,)).stderr
    assert "absent" in edge("digest", place / "absent", ok=(1,)).stderr
    usb = pcap(place / "usb.pcap", [(T0, P)], link=220)
    assert "USB_LINUX" in edge("digest", usb, ok=(1,)).stderr
    cut = place / "cut.pcap"
    cut.write_bytes(pcap(place / "a.pcap", [(T0, P), (T0, P)]).read_bytes()[:-10])
    done = edge("digest", cut, ok=(1,))
    assert len(done.stdout.splitlines()) == 1 and "truncated" in done.stderr
    assert "64 hex digits" in edge("digest", place / "a.pcap", "--epoch-key", "00ff", ok=(2,)).stderr.replace("expected 64", "64")
    (place / "open.key").write_text(EPOCH.hex())
    (place / "open.key").chmod(0o644)
    assert "0600" in edge("digest", place / "a.pcap", "--epoch-key-file", place / "open.key", ok=(2,)).stderr
    for words in (["lookup", "--data", place], ["lookup", "--data", place, "--key", "00" * 32, "--at", "noon"], ["digest"], ["digest", "--nonsense"],
                  ["frobnicate"], [], ["lookup", "--data", place, "--key", "00" * 32, "--at", "2026-01-01", "--tolerance", "6"]):
        assert "--help" in edge(*words, ok=(2,)).stderr
    assert "tables" in edge("lookup", "--data", place, "--key", "00" * 32, "--at", "2026-01-01", ok=(1,)).stderr
    assert "Example" in edge("run", "--help").stdout


# ---- tables from capture files ----

BORDER = ["own_as = 64502", "neighbour = 64501", "neighbour = 64503",
          "capture = a-in.pcap faces 64501 in", "capture = a-out.pcap faces 64501 out", "capture = b-in.pcap faces 64503 in",
          "capture = b-out.pcap faces 64503 out", "capture = inside.pcap faces inside"]


def make_border(place):
    """P goes through, V6 leaves us, a third one comes to us. A packet at both ends of the hour makes the window covered."""
    other = udp4("198.51.100.7", "192.0.2.9", 7, 53, b"hello")
    ends = [(T0 + s, udp4("192.0.2.1", "192.0.2.2", s, 9, b"")) for s in range(0, 130, 5)]
    pcap(place / "a-in.pcap", sorted(ends + [(T0 + 31, P), (T0 + 33, other)]))
    pcap(place / "a-out.pcap", [])
    pcap(place / "b-in.pcap", [])
    pcap(place / "b-out.pcap", [(T0 + 31.002, P[:8] + b"\xfe" + P[9:10] + b"\xc5\x1f" + P[12:]), (T0 + 32, V6)])
    pcap(place / "inside.pcap", [(T0 + 32, V6), (T0 + 33, other)])
    return other


@pytest.mark.parametrize("kind, degree", [("bloom", 90), ("exact", 100)])
def test_tables_from_capture_files(place, kind, degree):
    other = make_border(place)
    done = edge("run", "--conf", conf(place, "border", *BORDER, f"table = {kind}", "rate = 100"))
    assert "digested    32" in done.stdout, done.stdout + done.stderr
    data = place / "border.tables"
    through = lookup(data, key4(P), T0 + 31, tolerance=1)
    assert (through["status"], through["degree"], through["in_as"], through["out_as"], through["inside"]) == ("Transit", degree, [64501], [64503], False)
    assert lookup(data, key6(V6), T0 + 31, tolerance=1)["status"] == "Source"
    assert lookup(data, key4(other), T0 + 33, tolerance=1)["status"] == "Destination"
    assert lookup(data, key4(P), T0 + 100, tolerance=1)["status"] == "NotFound"
    early = lookup(data, key4(P), T0 - 100, tolerance=1)
    assert early["status"] == "Unknown" and early["degree"] == 0 and not early["covered"] and "not captured" in early["why"]
    assert lookup(data, key4(P), T0 + 31, "--profile", "H20", tolerance=1)["degree"] == 50
    if os.geteuid() == 0:
        assert {p.owner() for p in data.iterdir()} == {"nobody"}
    assert not [p.name for p in data.iterdir() if p.name.endswith(".tmp")]


def test_check_says_what_it_will_take(place):
    make_border(place)
    done = edge("check", "--conf", conf(place, "border", *BORDER, "rate = 100000"))
    assert "51.5 MiB of open pages" in done.stdout and "kept        3600 s" in done.stdout, done.stdout
    assert not (place / "border.tables").exists()


@pytest.mark.parametrize("line, said", [
    ("neighbour = 64501x", "8: AS number: expected a number"), ("neighbour = 23456", "8: AS 23456 is nobody's"), ("neighbour = 64501", "8: AS 64501 is a neighbour already"),
    ("interface = eth9 faces 64501", "8: there is no interface eth9"), ("capture = a-in.pcap faces 64501 in", "8: "), ("capture = c.pcap faces 64501", "8: expected: FILE faces"),
    ("capture = c.pcap faces 64999 in", ":8: AS 64999 is no neighbour"), ("capture = c.pcap faces 64502 in", ":8: AS 64502 is our own"), ("snaplen = 64", "8: snaplen: expected a number from 216"),
    ("speed = 3", "8: there is no setting 'speed'"), ("nonsense", "8: expected: name = value"), ("table = sieve", "8: table: expected bloom or exact"),
    ("own_as = 1", "8: own_as is given twice"), ("neighbour = 64777", "comes in from AS 64777"), ("neighbour = 64502", "AS 64502 is our own"),
])
def test_a_wrong_line_is_named(place, line, said):
    lines = ["own_as = 64502", "neighbour = 64501", "capture = a-in.pcap faces 64501 in", "capture = a-out.pcap faces 64501 out", line]
    path = conf(place, "border", *lines)
    for command in ("check", "run"):
        done = edge(command, "--conf", path, ok=(1,))
        assert "border.conf" in done.stderr and said in done.stderr, done.stderr


# ---- real routers ----

class Net:
    """A line of namespaces: host - r1 - r2 - r3 - target, with forwarding, and a link of 4,000 bytes at the beginning, 1,500 after it."""

    NAMES = ["host", "r1", "r2", "r3", "target"]

    def __init__(self):
        self.tag = f"edge{os.getpid()}"
        self.made, self.started = [], []

    def ns(self, name):
        return f"{self.tag}-{name}"

    def ip(self, *words):
        subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True, timeout=20)

    def sh(self, name, text):
        subprocess.run(["ip", "netns", "exec", self.ns(name), "sh", "-ec", text], check=True, capture_output=True, text=True, timeout=20)

    def build(self):
        for name in self.NAMES:
            self.ip("netns", "add", self.ns(name))
            self.made.append(name)
            self.sh(name, "for f in /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $f; done; ip link set lo up")
        for left in range(4):
            mtu = 4000 if left == 0 else 1500
            self.ip("link", "add", "right", "mtu", mtu, "netns", self.ns(self.NAMES[left]), "type", "veth", "peer", "name", "left", "mtu", mtu, "netns", self.ns(self.NAMES[left + 1]))
            for name, device, end in ((self.NAMES[left], "right", 1), (self.NAMES[left + 1], "left", 2)):
                self.sh(name, f"echo 0 > /proc/sys/net/ipv6/conf/{device}/accept_dad; echo 0 > /proc/sys/net/ipv4/conf/{device}/rp_filter; ip link set {device} up;"
                              f"ip addr add 10.0.{left}.{end}/24 dev {device}; ip addr add fd00:{left}::{end}/64 dev {device} nodad")
        for at, name in enumerate(self.NAMES):
            if name in ("r1", "r2", "r3"):
                self.sh(name, "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
            if name != "target":
                self.sh(name, f"ip route add default via 10.0.{at}.2; ip -6 route add default via fd00:{at}::2")
            if at:
                self.sh(name, f"ip route add 10.0.0.0/24 via 10.0.{at - 1}.1 || true")

    def destroy(self):
        for proc in self.started:       # of a story that broke off
            if proc.poll() is None:
                proc.kill()
                proc.wait()
        for name in self.made:
            subprocess.run(["ip", "netns", "del", self.ns(name)], capture_output=True, timeout=20)

    def send(self, packets):
        """From the host's link, past its own IP layer: nobody asks whose source address that is. Returns the time before it sent."""
        text = textwrap.dedent("""
            import socket, sys, time
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            s.bind(("right", 0))
            there = bytes.fromhex(sys.argv[1])
            print(time.time(), flush=True)
            for packet in map(bytes.fromhex, sys.argv[2:]):
                s.send(there + s.getsockname()[4] + (b"\\x08\\x00" if packet[0] >> 4 == 4 else b"\\x86\\xdd") + packet)
            """)
        mac = subprocess.run(["ip", "-n", self.ns("r1"), "-j", "link", "show", "left"], check=True, capture_output=True, text=True, timeout=20)
        mac = json.loads(mac.stdout)[0]["address"].replace(":", "")
        done = subprocess.run(["ip", "netns", "exec", self.ns("host"), "/usr/bin/python3", "-c", text, mac, *(p.hex() for p in packets)], check=True,
                              capture_output=True, text=True, timeout=20 * SLOW)
        return float(done.stdout)

    def receiver(self, count):
        """Says ready, then ends once so many datagrams have reached the target's port 9999."""
        text = textwrap.dedent(f"""
            import socket
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s.bind(("::", 9999))
            s.settimeout({20 * SLOW})
            print("ready", flush=True)
            for _ in range({count}):
                data, where = s.recvfrom(65536)
                print(where[0], len(data), flush=True)
            """)
        proc = subprocess.Popen(["ip", "netns", "exec", self.ns("target"), "/usr/bin/python3", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.append(proc)
        assert proc.stdout.readline() == "ready\n", proc.communicate()[1]
        return proc


@pytest.fixture
def net():
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and iproute2")
    made = Net()
    try:
        try:
            made.build()
        except subprocess.CalledProcessError as failure:
            pytest.skip(f"no network namespaces here: {failure.stderr.strip()}")
        yield made
    finally:
        made.destroy()


class Edge:
    """isac-edge run in a router's namespace."""

    def __init__(self, net, place, router, *lines):
        at = net.NAMES.index(router)
        self.data = place / f"{router}.tables"
        self.conf = conf(place, router, f"own_as = {64500 + at}", "rate = 1000", *lines)
        self.out, self.err = place / f"{router}.out", place / f"{router}.err"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.proc = subprocess.Popen(["ip", "netns", "exec", net.ns(router), str(BIN / "isac-edge"), "run", "--conf", str(self.conf)], stdout=out, stderr=err)
        net.started.append(self.proc)
        until(f"{router} ready", lambda: "isac-edge: ready" in self.out.read_text() or self.proc.poll() is not None)
        assert self.proc.poll() is None, self.err.read_text()

    def saved(self, key, start, end, *more):
        """The answer on what passed between start and end, once the tables cover that."""
        at, tolerance = (start + end) / 2, (end - start) / 2 + 0.01

        def ask():
            self.proc.send_signal(signal.SIGUSR1)
            if not (self.data / "tables").exists():
                return None
            answer = lookup(self.data, key, at, *more, tolerance=f"{tolerance:.6f}")
            return answer if answer["covered"] and answer["table_to"] > rfc3339(end + 0.01) else None
        return until(f"{self.data.name} covers {end}", ask)

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        status = self.proc.wait(timeout=30 * SLOW)
        no_reports(self.err.read_text())
        assert status == 0, self.err.read_text()
        return dict(line.split(None, 1) for line in self.out.read_text().rsplit("frames ", 1)[1].splitlines()[1:])


def crowd(net, place, inside):
    """An edge at each router; the host and the target are neighbours of their own, or customers inside r1 and r3."""
    edges = {}
    for at, router in ((1, "r1"), (2, "r2"), (3, "r3")):
        lines = []
        for device, neighbour in (("left", at - 1), ("right", at + 1)):
            if inside and neighbour in (0, 4):
                lines.append(f"interface = {device} faces inside")
            else:
                lines += [f"neighbour = {64500 + neighbour}", f"interface = {device} faces {64500 + neighbour}"]
        edges[router] = Edge(net, place, router, *lines)
    return edges


def test_three_routers_see_a_spoofed_packet_pass(net, place):
    edges = crowd(net, place, inside=False)
    spoofed = udp4("203.0.113.66", "10.0.3.2", 0x1234, 9999, b"who sent this?")
    spoofed6 = udp6("2001:db8::bad", "fd00:3::2", 9999, b"and this?")
    whole = udp4("203.0.113.67", "10.0.3.2", 0x7777, 9999, bytes(3000))          # r1 must fragment it
    made = udp4("203.0.113.68", "10.0.3.2", 0x4321, 9999, bytes(range(256)) * 4)
    first, later = ipv4("203.0.113.68", "10.0.3.2", 0x4321, made[20:532], 0x2000), ipv4("203.0.113.68", "10.0.3.2", 0x4321, made[532:], 64)
    receiver = net.receiver(4)
    start = net.send([spoofed, spoofed6, whole, first, later])
    out, err = receiver.communicate(timeout=30 * SLOW)
    end = time.time()
    assert sorted(out.split()) == sorted("::ffff:203.0.113.66 14 2001:db8::bad 9 ::ffff:203.0.113.67 3000 ::ffff:203.0.113.68 1024".split()), err
    for n, router in enumerate(("r1", "r2", "r3"), 1):
        for key, more, degree in ((key4(spoofed), (), 90), (key6(spoofed6), (), 90), (key4(whole), (), 90), (key4(first), (), 90),
                                  (key4(later, False), ("--profile", "H20"), 50)):
            answer = edges[router].saved(key, start, end, *more)
            assert (answer["status"], answer["degree"], answer["in_as"], answer["out_as"]) == ("Transit", degree, [64500 + n - 1], [64500 + n + 1]), (router, answer)
        other = edges[router].saved(key4(udp4("203.0.113.66", "10.0.3.2", 0x1235, 9999, b"who sent this?")), start, end)
        assert other["status"] == "NotFound"
    for one in edges.values():
        counters = one.stop()
        assert counters["dropped"] == counters["short"] == counters["bad"] == "0"
        assert one.data.owner() == "nobody"


def test_source_and_destination_are_told_from_transit(net, place):
    edges = crowd(net, place, inside=True)
    packet = udp4("203.0.113.66", "10.0.3.2", 0x2345, 9999, b"from inside r1")
    receiver = net.receiver(1)
    start = net.send([packet])
    assert receiver.communicate(timeout=30 * SLOW)[0].split() == ["::ffff:203.0.113.66", "14"]
    end = time.time()
    found = {router: one.saved(key4(packet), start, end) for router, one in edges.items()}
    assert {router: answer["status"] for router, answer in found.items()} == {"r1": "Source", "r2": "Transit", "r3": "Destination"}
    assert (found["r1"]["inside"], found["r1"]["out_as"], found["r3"]["in_as"], found["r3"]["inside"]) == (True, [64502], [64502], True), found
    for one in edges.values():
        one.stop()


def test_it_gives_up_root_and_takes_a_new_key(net, place):
    one = Edge(net, place, "r2", "neighbour = 64501", "neighbour = 64503", "interface = left faces 64501", "interface = right faces 64503")
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{one.proc.pid}/status").read_text().splitlines())
    assert set(status["Uid"].split()) == {str(pwd.getpwnam("nobody").pw_uid)} and int(status["CapEff"], 16) == 0 and status["NoNewPrivs"].split() == ["1"]
    second = hashlib.sha256(b"next day").digest()
    with (place / "epoch.key").open("w") as out:        # the same file: its owner and mode stay
        out.write(second.hex() + "\n")
    one.proc.send_signal(signal.SIGHUP)
    until("the new key", lambda: "edge.new_key" in one.err.read_text())
    packet = udp4("203.0.113.66", "10.0.3.2", 0x3456, 9999, b"in the new epoch")
    receiver = net.receiver(1)
    start = net.send([packet])
    receiver.communicate(timeout=30 * SLOW)
    end = time.time()
    new = hmac.new(second, b"\x45\0\0\0" + packet[4:6] + b"\0\0\0\x11\0\0" + packet[12:28], hashlib.sha256).hexdigest()
    assert one.saved(new, start, end)["status"] == "Transit"
    assert one.saved(key4(packet), start, end)["status"] == "NotFound"
    os.chown(place / "epoch.key", 0, 0)
    one.proc.send_signal(signal.SIGHUP)                 # what it cannot read changes nothing
    until("a complaint", lambda: "edge.no_key" in one.err.read_text())
    one.stop()


def test_the_first_packet_counts(net, place):
    for name, device in (("host", "right"), ("r1", "left")):        # nobody else speaks on this link
        net.sh(name, f"echo 1 > /proc/sys/net/ipv6/conf/{device}/disable_ipv6; ip link set {device} arp off")
    one = Edge(net, place, "r1", "neighbour = 64500", "neighbour = 64502", "interface = left faces 64500", "interface = right faces 64502")
    packet = udp4("203.0.113.66", "10.0.0.2", 0x5678, 9999, b"me first")
    start = net.send([packet])
    assert one.saved(key4(packet), start, time.time())["status"] == "Destination"
    one.stop()


def test_a_link_may_go_down_and_come_back(net, place):
    one = Edge(net, place, "r2", "neighbour = 64501", "neighbour = 64503", "interface = left faces 64501", "interface = right faces 64503")
    for state in ("down", "up"):
        net.sh("r2", f"ip link set left {state}")
        before = one.out.read_text().count("frames ")
        one.proc.send_signal(signal.SIGUSR1)
        until("counters", lambda: one.out.read_text().count("frames ") > before or one.proc.poll() is not None)
    assert one.proc.poll() is None, one.err.read_text()
    net.sh("r2", "ip addr add 10.0.1.2/24 dev left 2>/dev/null || true; ip route replace default via 10.0.2.2")
    packet = udp4("203.0.113.66", "10.0.3.2", 0x4567, 9999, b"after the break")
    receiver = net.receiver(1)
    start = net.send([packet])
    receiver.communicate(timeout=30 * SLOW)
    assert one.saved(key4(packet), start, time.time())["status"] == "Transit"
    net.sh("r2", "ip link del left")                    # this is for ever: it must not count as watched
    one.proc.wait(timeout=30 * SLOW)
    assert one.proc.returncode == 1 and "edge.interface_lost" in one.err.read_text()
