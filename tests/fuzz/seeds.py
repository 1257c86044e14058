#!/usr/bin/python3
"""Seeds for a fuzz target, one file each: seeds.py TARGET FOLDER. What the targets' bytes mean is in their head comments."""
import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX = 16384


def vectors(*names):
    """The cases of proto/vectors (format: proto/README.md section 15) as lists of (key, value)."""
    for name in names:
        for case in re.split(r"\n\s*\n", (ROOT / f"proto/vectors/{name}.txt").read_text()):
            pairs = [tuple(part.strip() for part in line.split("=", 1)) for line in case.splitlines() if "=" in line and line[0] != "#"]
            if pairs:
                yield pairs


def hexes(keys, *names):
    for case in vectors(*names):
        yield from (bytes.fromhex(value) for key, value in case if key in keys)


def rows(name):
    """The lines of a table in tests/data, split at tabs."""
    lines = (ROOT / "tests/data" / name).read_text(errors="replace").splitlines()
    return [line.split("\t") for line in lines if line and line[0] != "#"]


def bad_frames():
    sys.path.insert(0, str(ROOT / "tests/story"))
    try:
        from attack import bad_files
    except ImportError:         # its neighbours need libraries that a bare machine lacks: then without these seeds
        return []
    return [frame for bad in bad_files.all_of("request", "feed") for frame in bad.frames()]


def field(message, number):
    """The bytes of a length-delimited field of a message that we made ourselves; small tags only."""
    at = 0
    while at < len(message):
        tag, size, at = message[at], 0, at + 1
        for shift in range(0, 35, 7):
            byte, at = message[at], at + 1
            size |= (byte & 127) << shift
            if byte < 128:
                break
        if tag & 7 == 2:
            if tag >> 3 == number:
                return message[at:at + size]
            at += size
    return b""


def scan():
    """Every message of the vectors as the type that it is."""
    frames = re.findall(r"^FRAME\(0x(\w+), \w+, +\w, \w, (\w+)", (ROOT / "proto/wire/frame.def").read_text(), re.M)
    names = [name for _, name in frames] + ["header", "payload", "item", "command", "receipt_body", "entry"]
    number = {int(kind, 16): at for at, (kind, _) in enumerate(frames)}
    for case in vectors("frame_accepted", "frame_refused"):
        case = dict(case)
        kind = int(case.get("head", "")[8:12] or "0", 16)
        yield bytes([number.get(kind, 0)]) + bytes.fromhex(case.get("body", ""))
    for name, key, files in (("submit", "submit", ["report"]), ("receipt", "receipt", ["receipt"]), ("entry", "entry", ["entry"]), ("item", "item", ["tree"])):
        for data in hexes([key], *files):
            yield bytes([names.index(name)]) + data
            yield bytes([names.index(name) | 0x80]) + data
            if name == "submit":
                yield bytes([names.index("header")]) + field(data, 2)
                yield bytes([names.index("payload")]) + field(data, 4)


def envelope():
    yield from hexes(["head"], "head", "frame_accepted")
    yield from hexes(["text"], "bundle")
    yield from hexes(["entry"], "entry")
    yield from hexes(["receipt"], "receipt", "receipt_refused")
    yield from bad_frames()


def item():
    types = re.findall(r"^VALUE\( *(\d+), *(\w+)", (ROOT / "proto/wire/value.def").read_text(), re.M)
    number = {name.lower().replace("_", "-"): int(n) for n, name in types}
    for row in rows("value.cases"):
        text = re.sub(rb"\\x(..)", lambda m: bytes([int(m[1], 16)]), row[1].encode()) if len(row) > 1 else b""
        yield bytes([number.get(row[0].replace("_", "-"), 1)]) + text
        yield b"\x40" + text
    for data in hexes(["item"], "tree"):
        yield b"\x80" + data
    for data in hexes(["submit"], "report"):
        header = field(data, 2)
        for check in (0xc0, 0xc1):
            yield bytes([check, len(header) & 255]) + header + field(data, 4)


def sealed():
    """The last byte says: the header commits to these very bytes."""
    for case in map(dict, vectors("sealed")):
        secret, header, data = (bytes.fromhex(case[key]) for key in ("curve_secret", "header", "sealed"))
        for repair in (b"\0", b"\1"):
            yield secret + struct.pack(">H", len(header)) + header + data + repair


def feedback():
    """The items of the cases about reports that are there, as the kinds that they are and as a successor's."""
    for data in hexes(["submit"], "report"):
        payload, items, at = field(data, 4), [], 34     # behind the secret: tag, length, 32 bytes
        while at + 1 < len(payload) and payload[at] == 0x12 and len(items) < 64:
            size, shift, at = 0, 0, at + 1
            while True:
                byte, at = payload[at], at + 1
                size, shift = size | (byte & 127) << shift, shift + 7
                if byte < 128:
                    break
            items.append(payload[at:at + size])
            at += size
        for kind in range(4):
            yield bytes([kind]) + b"".join(struct.pack(">H", len(i)) + i for i in items)


def filter():
    for row in rows("filter.rules") + rows("filter.eval"):
        yield from (part.encode() for part in row[1:3])
    texts = [row[1] for row in rows("filter.eval") if len(row) > 1]
    for first in range(0, len(texts), 12):      # sets of filters, one a line
        yield "\n".join(texts[first:first + 12]).encode()


def cursor():
    for n in range(8):
        yield bytes(range(n, n + 32))
        yield bytes(range(n, n + 72))


def proof():
    for case in vectors("multiproof", "multiproof_refused"):
        n = int(dict(case)["n"])
        shown = [int(value) for key, value in case if key == "shown"][:255]
        hashes = sum(1 for key, _ in case if key == "proof")
        yield struct.pack(f">IBBBx8s{len(shown)}I", n, len(shown), min(hashes, 255), n & 63, b"\xff\x01\x55", *shown)


def packet():
    """Frames that isac-edge's oracle builds, one capture file of each of their link layers, and one in the other format."""
    links = [int(n) for n in re.findall(r"^LINK\((\d+),", (ROOT / "clients/edge/links.def").read_text(), re.M)]
    made = subprocess.run([sys.executable, ROOT / "tests/unit/edge/oracle.py", "7", "600"], capture_output=True, text=True, check=True).stdout
    frames = [(int(line.split("\t")[0]), bytes.fromhex(line.split("\t")[1])) for line in made.splitlines()]
    for link, frame in frames:
        yield bytes([links.index(link)]) + frame
    for link in links:
        records = b"".join(struct.pack("<IIII", 1764057600, n, len(f), len(f)) + f for n, (of, f) in enumerate(frames[:100]) if of == link)
        yield bytes([len(links)]) + struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link) + records
    block = struct.pack("<IIIHHqI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28) + struct.pack("<IIHHII", 1, 20, 101, 0, 0, 20)
    raw = [f + bytes(-len(f) % 4) for of, f in frames if of == 101][:8]
    packets = b"".join(struct.pack("<IIIIIII", 6, 32 + len(f), 0, 0, 0, len(f), len(f)) + f + struct.pack("<I", 32 + len(f)) for f in raw)
    yield bytes([len(links)]) + block + packets


def head():
    """The attacks of a story, and each route's path."""
    sys.path.insert(0, str(ROOT / "tests/story"))
    text = (ROOT / "tests/story/test_gateway_attack.py").read_text()
    scope = {}
    exec(text[text.index("HOST ="):text.index("@pytest")] + text[text.index("BAD ="):text.index("def test_each")], scope)   # the table alone
    yield from (data for _, data in scope["BAD"].values())
    for method, path in re.findall(r'"(GET|POST)",\s+"(/[^"]*)"', (ROOT / "clients/gateway/routes.def").read_text()):
        yield f"{method} {path.replace('{', '').replace('}', '')} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n".encode()
        yield path.replace("{", "").replace("}", "").encode()


def lists():
    yield from (path.read_bytes() for path in sorted((ROOT / "tests/data/warninglists").glob("*/list.json")))


def pattern():
    yield from (row[1].encode() for row in rows("stix.patterns") if len(row) > 1)


def stix():
    bundle = json.loads((ROOT / "tests/data/stix.bundle.json").read_text())
    yield json.dumps(bundle).encode()
    yield from (json.dumps([o]).encode() for o in bundle["objects"])


def misp():
    events = json.loads((ROOT / "tests/data/misp.event.json").read_text())
    yield json.dumps(events).encode()
    yield from (json.dumps({"Event": {"info": "", "Attribute": [a]}}).encode() for a in events["response"][0]["Event"]["Attribute"])


def main():
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    for data in globals().get(target, lambda: ())():
        if len(data) <= MAX:
            (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


main()
