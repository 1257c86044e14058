"""ZMTP 3.1 with CURVE by hand over a plain socket, so that every step can be done wrong.

Written from RFC 23 (ZMTP), RFC 25 (CURVE) and RFC 26 (CurveZMQ), not from libzmq. `Wire` is one TCP connection with the steps of a
handshake; `connect` gives one whose handshake is done. Nothing here sleeps: what should end is waited for.
"""
import os
import select
import socket
import struct
import time

from nacl import bindings
from nacl.exceptions import CryptoError

GREETING_SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
ISC1 = struct.Struct(">4sHHQ")
SUBMIT, QUERY, CONTROL, STATUS, DIRECTORY, SUBSCRIBE, CREDIT = 1, 2, 3, 4, 5, 0x11, 0x12
RECEIPT, STATUS_RESULT, SUBSCRIBED, DELIVERY, ERROR = 0x81, 0x84, 0x91, 0x92, 0xFF
PATIENCE = 20 * int(os.environ.get("ISAC_SLOW", "1"))


class Cut(Exception):
    """The peer closed the connection."""


def greeting(mechanism=b"CURVE", major=3, minor=1):
    return GREETING_SIGNATURE + bytes([major, minor]) + mechanism.ljust(20, b"\0") + bytes(32)


def frame(body, command=False, more=False):
    flags = (4 if command else 0) | (1 if more else 0)
    if len(body) > 255:
        return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def head(kind, request_id=1, flags=0, magic=b"ISC1"):
    return ISC1.pack(magic, kind, flags, request_id)


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def error_code(body):
    """Field 1 of an Error or Receipt."""
    assert body[:1] == b"\x08", body
    return varint(body, 1)[0]


def address(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host.strip("[]"), int(port)


def keypair():
    return bindings.crypto_box_keypair()


class Wire:
    """One TCP connection, and the four commands of the CURVE handshake as separate steps."""

    def __init__(self, endpoint, server_key=None, public=None, secret=None, timeout=PATIENCE):
        self.sock = socket.create_connection(address(endpoint), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server_key = server_key
        self.public, self.secret = (public, secret) if public else keypair()
        self.short_public, self.short_secret = keypair()
        self.nonce = 0
        self.buffer = b""
        self.opened = time.monotonic()

    # ---- bytes
    def send_raw(self, data):
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError) as e:
            raise Cut from e

    def take(self, n):
        while len(self.buffer) < n:
            try:
                more = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError) as e:
                raise Cut from e
            if not more:
                raise Cut
            self.buffer += more
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def wait_cut(self, timeout=PATIENCE):
        """Waits until the peer closes; returns (seconds since the connection was made, bytes that came)."""
        self.sock.settimeout(timeout)
        got = self.buffer
        try:
            while True:
                more = self.sock.recv(65536)
                if not more:
                    break
                got += more
        except (ConnectionResetError, BrokenPipeError):
            pass
        self.sock.close()
        return time.monotonic() - self.opened, got

    def close(self):
        self.sock.close()

    def reset(self):
        """Leaves without a word: RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # ---- frames
    def take_frame(self):
        """(body, is command, more)"""
        flags = self.take(1)[0]
        size = struct.unpack(">Q", self.take(8))[0] if flags & 2 else self.take(1)[0]
        return self.take(size), bool(flags & 4), bool(flags & 1)

    def short_nonce(self):
        self.nonce += 1
        return struct.pack(">Q", self.nonce)

    # ---- handshake
    def greet(self, **kw):
        self.send_raw(greeting(**kw))
        return self.take(64)

    def hello_body(self, server_key=None, padding=72):
        n = self.short_nonce()
        box = bindings.crypto_box(bytes(64), b"CurveZMQHELLO---" + n, server_key or self.server_key, self.short_secret)
        return b"\x05HELLO\x01\x00" + bytes(padding) + self.short_public + n + box

    def welcome(self):
        body, command, _ = self.take_frame()
        assert command and body.startswith(b"\x07WELCOME") and len(body) == 168, body[:20]
        plain = bindings.crypto_box_open(body[24:], b"WELCOME-" + body[8:24], self.server_key, self.short_secret)
        self.server_short, self.cookie = plain[:32], plain[32:]
        self.shared = bindings.crypto_box_beforenm(self.server_short, self.short_secret)

    def initiate_body(self, metadata=(), cookie=None, vouch_key=None, vouch_secret=None, spoil=None):
        vouch_nonce = os.urandom(16)
        vouch = bindings.crypto_box((vouch_key or self.short_public) + self.server_key, b"VOUCH---" + vouch_nonce, self.server_short,
                                    vouch_secret or self.secret)
        if spoil is not None:
            vouch = vouch[:spoil] + bytes([vouch[spoil] ^ 1]) + vouch[spoil + 1:]
        properties = b"".join(bytes([len(k)]) + k + struct.pack(">I", len(v)) + v for k, v in metadata)
        n = self.short_nonce()
        box = bindings.crypto_box_afternm(self.public + vouch_nonce + vouch + properties, b"CurveZMQINITIATE" + n, self.shared)
        return b"\x08INITIATE" + (cookie or self.cookie) + n + box

    def ready(self):
        body, command, _ = self.take_frame()
        if body.startswith(b"\x05ERROR"):
            raise Cut(f"ERROR {body[7:]!r}")
        assert command and body.startswith(b"\x05READY"), body[:20]
        bindings.crypto_box_open_afternm(body[14:], b"CurveZMQREADY---" + body[6:14], self.shared)

    def handshake(self, routing_id=b""):
        self.greet()
        self.send_raw(frame(self.hello_body(), command=True))
        self.welcome()
        self.send_raw(frame(self.initiate_body([(b"Socket-Type", b"DEALER"), (b"Identity", routing_id)]), command=True))
        self.ready()
        return self

    # ---- messages
    def message_frame(self, part, more=False, nonce=None, command=False):
        n = nonce or self.short_nonce()
        flags = (1 if more else 0) | (2 if command else 0)
        box = bindings.crypto_box_afternm(bytes([flags]) + part, b"CurveZMQMESSAGEC" + n, self.shared)
        return frame(b"\x07MESSAGE" + n + box)

    def send(self, *parts):
        self.send_raw(b"".join(self.message_frame(p, more=i + 1 < len(parts)) for i, p in enumerate(parts)))

    def take_part(self):
        while True:
            body, _, _ = self.take_frame()
            assert body.startswith(b"\x07MESSAGE"), body[:20]
            try:
                plain = bindings.crypto_box_open_afternm(body[16:], b"CurveZMQMESSAGES" + body[8:16], self.shared)
            except CryptoError as e:
                raise AssertionError("the hub sent what does not decrypt") from e
            if not plain[0] & 2:
                return plain[1:], bool(plain[0] & 1)
            if plain[1:].startswith(b"\x04PING"):
                self.send_raw(self.message_frame(b"\x04PONG" + plain[8:], command=True))

    def take_message(self):
        parts, more = [], True
        while more:
            part, more = self.take_part()
            parts.append(part)
        return parts

    def ask(self, *parts):
        """Sends, and returns (type, request id, body) of the next message."""
        self.send(*parts)
        return self.take_reply()

    def take_reply(self):
        parts = self.take_message()
        assert len(parts) == 2, parts
        magic, kind, flags, request_id = ISC1.unpack(parts[0][:16])
        assert magic == b"ISC1" and flags == 0
        return kind, request_id, parts[1]

    def quiet(self):
        """True if nothing has come up to now."""
        return not self.buffer and not select.select([self.sock], [], [], 0)[0]


def connect(endpoint, server_key, identity, routing_id=b""):
    """A member's connection, handshake done."""
    return Wire(endpoint, server_key, *identity).handshake(routing_id)
