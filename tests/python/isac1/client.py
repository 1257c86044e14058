"""Section 1: DEALER sockets with CURVE; requests by id, and a feed's frames in their order."""
import os
import secrets

import zmq
import zmq.utils.z85 as z85

from . import feed, report, sign
from .frame import Head
from .messages import message_of, pb
from .tables import LIMIT, TYPE

PATIENCE_MS = 20000 * int(os.environ.get("ISAC_SLOW", "1"))


class Silence(Exception):
    """No frame came in time."""


class Socket:
    """One connection of a member to one of the hub's ports; without an endpoint the caller connects it."""

    def __init__(self, home, endpoint, hub_curve=None):
        self.zmq = zmq.Context.instance().socket(zmq.DEALER)
        self.zmq.curve_serverkey = z85.encode(hub_curve or home.hub.curve_public)
        self.zmq.curve_publickey, self.zmq.curve_secretkey = z85.encode(home.curve_public), z85.encode(home.curve_secret)
        self.zmq.set(zmq.MAXMSGSIZE, LIMIT["REPLY_BYTES"])
        self.zmq.set(zmq.HEARTBEAT_IVL, 5000)
        self.zmq.linger = 0
        if endpoint:
            self.zmq.connect(endpoint)
        self.last_id, self.heard = 0, None      # heard: a list keeps every body that came

    def close(self):
        self.zmq.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send_raw(self, *frames):
        self.zmq.send_multipart(frames)

    def send(self, name, body):
        """Sends one request and returns its id."""
        self.last_id += 1
        self.send_raw(Head(TYPE[name], self.last_id).pack(), body if isinstance(body, bytes) else body.SerializeToString())
        return self.last_id

    def receive(self, patience_ms=PATIENCE_MS):
        """(head, message); two frames and a known type, or it is the hub's fault."""
        if not self.zmq.poll(patience_ms):
            raise Silence
        frames = self.zmq.recv_multipart()
        assert len(frames) == 2, f"{len(frames)} frames from the hub"
        head = Head.unpack(frames[0])
        if self.heard is not None:
            self.heard.append(frames[1])
        return head, message_of(head.type).FromString(frames[1])

    def request(self, name, body):
        """The reply to one request; nothing else is under way."""
        wanted = self.send(name, body)
        head, message = self.receive()
        assert head.request_id == wanted, f"reply to {head.request_id}, asked {wanted}"
        return message


class Client(Socket):
    """The request port."""

    def __init__(self, home, endpoint, **kw):
        super().__init__(home, endpoint, **kw)
        self.home = home

    def control(self, verb, args, command_id=None):
        """args: (name, value) pairs; bytes go as data."""
        command = self.command(verb, args, command_id)
        return self.request("CONTROL", command)

    def command(self, verb, args, command_id=None):
        made = pb.Command(command_id=command_id or secrets.token_bytes(16), created_us=report.now_us(), verb=verb)
        for name, value in args:
            made.args.append(pb.Arg(name=name, data=value) if isinstance(value, bytes) else pb.Arg(name=name, value=value))
        data = made.SerializeToString()
        signature = sign.sign(self.home.seed, "command", self.home.hub.hub_id, data)
        return pb.Control(command=data, signature=signature, key_id=self.home.key_id)

    def publish(self, made):
        return self.request("SUBMIT", made.submit)

    def keyring(self):
        """Every key that the directory's certificates prove; what is left over is told."""
        ring = feed.Keyring(self.home.hub)
        rest = ring.learn(self.request("DIRECTORY", b"").keys)
        assert not rest, f"certificates that prove nothing: {[c.member for c in rest]}"
        return ring


class Feed(Socket):
    """The feed port, one session."""

    def subscribe(self, **fields):
        """Returns SUBSCRIBED or ERROR; frames of the new session may only come after it."""
        fields.setdefault("credit_bytes", LIMIT["CREDIT_BYTES"])
        got = self.request("SUBSCRIBE", pb.Subscribe(**fields))
        if isinstance(got, pb.Subscribed):
            self.session = feed.Session(got)
        return got

    def credit(self, size, acked=0):
        self.send("CREDIT", pb.Credit(sub=self.session.sub, bytes=size, acked_seq=acked))

    def next(self):
        """One frame of the session, booked: position and running hash are checked on the way."""
        head, message = self.receive()
        if isinstance(message, pb.Batch):
            self.session.delivery(head, message)
        elif isinstance(message, pb.Heartbeat):
            self.session.heartbeat(message)
        elif isinstance(message, pb.Gap):
            self.session.gap(message)
        return head, message

    def until_heartbeat(self, position=0):
        """All entries up to a heartbeat at or behind a position, and that heartbeat; credit used is granted again."""
        entries = []
        while True:
            _, message = self.next()
            if isinstance(message, pb.Error):
                raise AssertionError(f"session ended: {message.code} {message.text}")
            if isinstance(message, pb.Batch):
                entries += message.entries
                self.credit(message.ByteSize())
            if isinstance(message, pb.Heartbeat) and message.position >= position:
                return entries, message
