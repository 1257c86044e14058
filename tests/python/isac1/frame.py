"""Section 2: head frames, and the judgement of a member's two frames."""
import dataclasses
import struct

from .messages import message_of
from .scan import Refused, scan
from .tables import FRAME, LIMIT, TYPE

MAGIC = b"ISC1"


@dataclasses.dataclass
class Head:
    type: int
    request_id: int = 0
    sub: int = 0
    prev_seq: int = 0
    last_seq: int = 0

    def pack(self):
        head = struct.pack(">4sHHQ", MAGIC, self.type, 0, self.request_id)
        if self.type == TYPE["DELIVERY"]:
            head += struct.pack(">IQQ", self.sub, self.prev_seq, self.last_seq)
        return head

    @classmethod
    def unpack(cls, data):
        if len(data) < 16 or data[:4] != MAGIC:
            raise Refused(400, "no head of version 1")
        kind, flags, request_id = struct.unpack(">HHQ", data[4:16])
        rest = struct.unpack(">IQQ", data[16:]) if kind == TYPE["DELIVERY"] and len(data) == 36 else ()
        if flags or len(data) != (36 if kind == TYPE["DELIVERY"] else 16):
            raise Refused(400, "flags or length of a head")
        return cls(kind, request_id, *rest)


def check_up(head, body):
    """What the hub does with a member's message before it looks at what it means: 200 or the refusal's code."""
    try:
        got = Head.unpack(head)
        if got.type not in FRAME or FRAME[got.type][2] != "U":
            raise Refused(400, "no type that a member sends")
        if len(body) > LIMIT["FRAME_BYTES"]:
            raise Refused(413, "frame too large")
        scan(body, message_of(got.type))
    except Refused as refused:
        return refused.code
    return 200
