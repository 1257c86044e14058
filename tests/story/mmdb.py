"""A small writer of MaxMind DB files, from the public specification of the format (version 2.0), so that tests need no database of others.

As a program: mmdb.py OUT RECORD_BITS NETWORK JSON [NETWORK JSON]...
"""
import ipaddress
import json
import pathlib
import sys

UTF8, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 5, 6, 7, 9, 11


def control(kind, size):
    """The control byte of a field, its extended type, and the size beyond 28."""
    assert size < 29 + 256
    low, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | low]) if kind < 8 else bytes([low, kind - 7])) + more


def number(kind, value):
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return control(kind, len(data)) + data


def field(value):
    if isinstance(value, str):
        return control(UTF8, len(value.encode())) + value.encode()
    if isinstance(value, int):
        return number(UINT32, value)
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(map(field, value))
    return control(MAP, len(value)) + b"".join(field(k) + field(v) for k, v in value.items())


class Tree:
    """A binary trie over 128 bits; a leaf is an offset in the data section, as a one-element tuple, or None."""

    def __init__(self):
        self.nodes = [[None, None]]

    def insert(self, net, leaf):
        bits, length = int(net.network_address), net.prefixlen + (96 if net.version == 4 else 0)
        node = 0
        for depth in range(length):
            side = bits >> (127 - depth) & 1
            if depth == length - 1:
                self.nodes[node][side] = leaf
                return
            below = self.nodes[node][side]
            if not isinstance(below, int):              # what a wider network said goes on to hold beside the narrower one
                self.nodes.append([below, below])
                below = self.nodes[node][side] = len(self.nodes) - 1
            node = below

    def pack(self, bits):
        def record(value):
            return len(self.nodes) if value is None else value if isinstance(value, int) else len(self.nodes) + 16 + value[0]

        out = bytearray()
        for left, right in self.nodes:
            left, right = record(left), record(right)
            if bits == 28:
                out += (left & 0xffffff).to_bytes(3, "big") + bytes([left >> 24 << 4 | right >> 24]) + (right & 0xffffff).to_bytes(3, "big")
            else:
                out += left.to_bytes(bits // 8, "big") + right.to_bytes(bits // 8, "big")
        return bytes(out)


def write(path, entries, bits=24):
    """entries: {network: record}. Narrower networks win."""
    tree, data = Tree(), bytearray()
    for net, value in sorted(((ipaddress.ip_network(net), value) for net, value in entries.items()), key=lambda e: e[0].prefixlen + (96 if e[0].version == 4 else 0)):
        tree.insert(net, (len(data),))
        data += field(value)
    about = {"node_count": number(UINT32, len(tree.nodes)), "record_size": number(UINT16, bits), "ip_version": number(UINT16, 6),
             "database_type": field("Test"), "languages": field(["en"]), "binary_format_major_version": number(UINT16, 2),
             "binary_format_minor_version": number(UINT16, 0), "build_epoch": number(UINT64, 1767225600), "description": field({"en": "for tests"})}
    meta = control(MAP, len(about)) + b"".join(field(k) + v for k, v in about.items())
    path = pathlib.Path(path)
    path.write_bytes(tree.pack(bits) + bytes(16) + bytes(data) + b"\xab\xcd\xefMaxMind.com" + meta)
    path.chmod(0o644)
    return path


if __name__ == "__main__":
    write(sys.argv[1], dict(zip(sys.argv[3::2], map(json.loads, sys.argv[4::2]))), int(sys.argv[2]))
