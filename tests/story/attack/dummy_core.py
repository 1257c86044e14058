"""A core that is only the other end of front's two links (broker/front/front.h): it keeps what comes up and answers what it must.

Link messages are u32 length of what follows, u8 parts, u32 length each, bytes.
"""
import os
import selectors
import socket
import struct
import threading

from . import zmtp


def pack(*parts):
    sizes = b"".join(struct.pack(">I", len(p)) for p in parts)
    body = bytes([len(parts)]) + sizes + b"".join(parts)
    return struct.pack(">I", len(body)) + body


class Link:
    def __init__(self, sock, letter):
        self.sock, self.letter, self.buffer = sock, letter, bytearray()
        self.lock = threading.Lock()

    def send(self, *parts):
        with self.lock:
            self.sock.sendall(pack(*parts))

    def messages(self, data):
        self.buffer += data
        at = 0
        while len(self.buffer) - at >= 5:
            (size,) = struct.unpack_from(">I", self.buffer, at)
            if len(self.buffer) - at < 4 + size:
                break
            n = self.buffer[at + 4]
            lengths = struct.unpack_from(f">{n}I", self.buffer, at + 5)
            start, parts = at + 5 + 4 * n, []
            for length in lengths:
                parts.append(bytes(self.buffer[start:start + length]))
                start += length
            yield parts
            at += 4 + size
        del self.buffer[:at]


class Core:
    """messages: (letter, rid, member, head, body) in order; gone: rids. Wait for them with `wait`."""

    def __init__(self, folder):
        self.paths = {"R": os.path.join(folder, "intake.sock"), "F": os.path.join(folder, "feed.sock")}
        self.keys = {}
        self.generation = self.probes = 0
        self.messages, self.gone, self.links = [], [], {}
        self.changed = threading.Condition()
        self.selector = selectors.DefaultSelector()
        for letter, path in self.paths.items():
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(path)
            listening.listen()
            self.selector.register(listening, selectors.EVENT_READ, (self.accept, letter))
        self.wake, waker = socket.socketpair()
        self.selector.register(waker, selectors.EVENT_READ, (None, None))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                act, what = key.data
                if act is None:
                    return
                act(key.fileobj, what)

    def stop(self):
        self.wake.send(b"x")
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()

    def accept(self, listening, letter):
        sock, _ = listening.accept()
        link = Link(sock, letter)
        with self.changed:
            self.links[letter] = link
            self.changed.notify_all()
        self.selector.register(sock, selectors.EVENT_READ, (self.read, link))

    def read(self, sock, link):
        try:
            data = sock.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            self.selector.unregister(sock)
            sock.close()
            with self.changed:
                if self.links.get(link.letter) is link:
                    del self.links[link.letter]
            return
        for parts in link.messages(data):
            self.take(link, parts)

    def take(self, link, parts):
        tag = parts[0][:1]
        if tag == b"H":
            if link.letter == "R":
                self.send_roster()
            return
        with self.changed:
            if tag == b"G":
                self.gone.append(parts[0][1:])
            else:
                self.messages.append((link.letter, parts[0][1:], parts[1].decode(), parts[2], parts[3]))
            self.changed.notify_all()
        if tag == b"M":
            self.answer(link, parts)

    def answer(self, link, parts):
        _, kind, _, request_id = zmtp.ISC1.unpack(parts[2])
        if kind == zmtp.CREDIT:
            return
        link.send(b"R" + parts[0][1:], zmtp.head(kind | 0x80, request_id), parts[3] or b"\x08\x01")

    def send_roster(self):
        self.generation += 1
        rows = b"".join(key + bytes([len(name)]) + name.encode() for key, name in self.keys.items())
        link = self.links.get("R")
        if link:
            link.send(b"T" + struct.pack(">Q", self.generation), rows)

    def tell(self):
        """Sends the roster and returns when front has read it: a reply to nobody behind it comes back as GONE."""
        self.wait("a link", lambda: "R" in self.links)
        self.send_roster()
        self.probes += 1
        nobody = b"\xff" + struct.pack(">I", self.probes)
        self.links["R"].send(b"R" + nobody, zmtp.head(zmtp.ERROR), b"x")
        self.wait("the roster is read", lambda: nobody in self.gone)

    def fan_out(self, rids, body, kind=0x92):
        h = zmtp.head(kind, 0) + (bytes(20) if kind == zmtp.DELIVERY else b"")
        rows = b"".join(bytes([len(r)]) + r + bytes([len(h)]) + h for r in rids)
        self.links["F"].send(b"F" + struct.pack(">H", len(rids)) + rows, body)

    def wait(self, what, check, seconds=zmtp.PATIENCE):
        with self.changed:
            assert self.changed.wait_for(check, seconds), f"never happened: {what}"
