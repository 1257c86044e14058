"""The real programs that read what isac writes: resolvers, packet filters, sensors, each on loopback or in a network of its own."""
import base64
import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess

import pytest

from hub import SLOW, run, until

RCODE = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


def needs(program):
    """Its path, or the story is skipped saying what is absent."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"{program} is not installed: sh docker/deps.sh test peers")
    return path


def free_port():
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(tcp.getsockname())
        return tcp.getsockname()[1]


def ask(port, name, kind=1):
    """One question over UDP: (rcode, addresses), or None if no answer came."""
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect(("127.0.0.1", port))
        try:
            s.send(struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1))
            data = s.recv(4096)
        except OSError:
            return None
    _, flags, questions, answers, _, _ = struct.unpack(">6H", data[:12])
    at, found = 12 + len(labels) + 5, []
    for _ in range(answers):
        while data[at] and data[at] < 0xc0:
            at += data[at] + 1
        at += 2 if data[at] else 1
        rtype, _, _, size = struct.unpack(">HHIH", data[at:at + 10])
        if rtype == 1:
            found.append(socket.inet_ntoa(data[at + 10:at + 10 + size]))
        at += 10 + size
    return RCODE.get(flags & 15, flags & 15), found


ZONE = """$TTL 300
@ SOA localhost. root.localhost. 1 3600 600 86400 60
@ NS localhost.
evil A 192.0.2.10
deep.evil A 192.0.2.10
good A 192.0.2.11
late A 192.0.2.12
hosted A 198.51.100.7
hosted6 AAAA 2a00:1450::7
"""


@contextlib.contextmanager
def daemon(argv, folder, port):
    """Runs it until the block ends; the block begins when it answers."""
    log = open(folder / "daemon.log", "ab")
    proc = subprocess.Popen(argv, stdout=log, stderr=log, cwd=folder)
    try:
        until(f"{argv[0]} answers", lambda: proc.poll() is not None or (ask(port, "good.example") or ("",))[0] == "NOERROR")
        assert proc.poll() is None, (folder / "daemon.log").read_text()
        yield proc
    finally:
        proc.terminate()
        proc.wait(timeout=30 * SLOW)
        log.close()


@contextlib.contextmanager
def named(folder, zone):
    """BIND with `zone` as its policy and a zone example. of its own; gives (process, port)."""
    program, port = needs("named"), free_port()
    folder.mkdir()
    (folder / "example.zone").write_text(ZONE)
    (folder / "named.conf").write_text(f"""
        options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none; session-keyfile none;
            dnssec-validation no; recursion yes; notify no; managed-keys-directory "{folder}";
            response-policy {{ zone "rpz.isac"; }} qname-wait-recurse no min-update-interval 1; }};
        controls {{ }};
        zone "rpz.isac" {{ type primary; file "{zone}"; allow-query {{ none; }}; }};
        zone "example" {{ type primary; file "{folder}/example.zone"; }};
        """)
    with daemon([program, "-g", "-c", str(folder / "named.conf"), "-n", "1"], folder, port) as proc:
        yield proc, port


@contextlib.contextmanager
def unbound(folder, zone):
    program, port = needs("unbound"), free_port()
    folder.mkdir()
    (folder / "example.zone").write_text(ZONE)
    (folder / "unbound.conf").write_text(f"""
server:
    interface: 127.0.0.1@{port}
    username: ""
    chroot: ""
    pidfile: ""
    directory: "{folder}"
    do-daemonize: no
    use-syslog: no
    num-threads: 1
    module-config: "respip iterator"
rpz:
    name: rpz.isac
    zonefile: "{zone}"
auth-zone:
    name: example
    zonefile: "{folder}/example.zone"
    for-downstream: no
    for-upstream: yes
remote-control:
    control-enable: no
""")
    with daemon([program, "-d", "-c", str(folder / "unbound.conf")], folder, port) as proc:
        yield proc, port


def in_own_network(script, *args):
    """A shell script as root of a network namespace of its own."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here: run as root")
    return run("unshare", "-rn", "sh", "-ec", script, "sh", *args).stdout


def suricata(folder, rules, *more, pcap=None):
    """Loads the rules (and plays a capture); returns fast.log. Fails the story at any error in them."""
    program = needs("suricata")
    lists = rules.parent
    conf = folder / "suricata.yaml"
    conf.write_text(f"""%YAML 1.1
---
vars:
  address-groups: {{ HOME_NET: "any", EXTERNAL_NET: "any" }}
default-log-dir: {folder}
outputs:
  - fast: {{ enabled: yes, filename: fast.log }}
app-layer:
  protocols:
    dns: {{ udp: {{ enabled: yes, detection-ports: {{ dp: 53 }} }}, tcp: {{ enabled: yes, detection-ports: {{ dp: 53 }} }} }}
    tls: {{ enabled: yes, ja3-fingerprints: yes }}
    http: {{ enabled: yes }}
    smtp: {{ enabled: yes }}
default-rule-path: {lists}
reputation-categories-file: {lists}/isac-iprep-categories.txt
default-reputation-path: {lists}
reputation-files: [isac-iprep.list]
""")
    how = ["-r", str(pcap)] if pcap else ["-T"]
    done = run(program, "-c", conf, "-S", rules, "-l", folder, "--runmode", "single", "-v", *how, *more, timeout=120)
    said = done.stdout + done.stderr
    assert re.search(r"rules successfully loaded, 0 rules failed", said) and "Error" not in said, said
    return (folder / "fast.log").read_text() if (folder / "fast.log").exists() else said


def pcap(path, *packets):
    """A capture of Ethernet frames, a second apart."""
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    for n, packet in enumerate(packets):
        out += struct.pack("<IIII", 1769860800 + n, 0, len(packet), len(packet)) + packet
    path.write_bytes(out)
    return path


def udp(source, target, sport, dport, payload):
    def total(data):
        s = sum(struct.unpack(f">{len(data) // 2}H", data))
        return 0xffff & ~((s & 0xffff) + (s >> 16))
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 1, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(target))
    head = head[:10] + struct.pack(">H", total(head)) + head[12:]
    return b"\2" * 6 + b"\4" * 6 + b"\x08\0" + head + struct.pack(">4H", sport, dport, 8 + len(payload), 0) + payload


def dns_question(name):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    return struct.pack(">6H", 9, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def zeek(text):
    """Zeek's intel input, read as its documentation says: rows as dictionaries. No Debian package brings the real reader."""
    def undo(field):
        out, at = bytearray(), 0
        raw = field.encode()
        while at < len(raw):
            if raw[at:at + 2] == b"\\x":
                out.append(int(raw[at + 2:at + 4], 16))
                at += 4
            else:
                out.append(raw[at])
                at += 1
        return out.decode()
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    head, *fields = lines[0].split("\t")
    assert head == "#fields" and fields == ["indicator", "indicator_type", "meta.source", "meta.desc", "meta.url"]
    rows, seen = [], set()
    for line in lines[1:]:
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        assert len(cells) == len(fields) and all(cells), line
        row = {name: None if cell == "-" else undo(cell) for name, cell in zip(fields, cells)}
        kind = row["indicator_type"]
        assert kind in {f"Intel::{t}" for t in ("ADDR", "SUBNET", "URL", "SOFTWARE", "EMAIL", "DOMAIN", "FILE_HASH", "FILE_NAME", "CERT_HASH")}
        assert row["indicator"] and row["meta.source"]
        assert kind != "Intel::URL" or ("://" not in row["indicator"] and "/" in row["indicator"])
        assert (row["indicator"], kind) not in seen
        seen.add((row["indicator"], kind))
        rows.append(row)
    return rows


def unbase64(path):
    return [base64.b64decode(line, validate=True).decode() for line in path.read_text().splitlines()]
