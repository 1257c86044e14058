"""Section 3: a body is judged before any decoder sees it. Refused carries the code of section 13."""
from google.protobuf.descriptor import FieldDescriptor as F

from .tables import LIMIT

NUMBERS = {F.TYPE_BOOL: 1, F.TYPE_UINT32: 0xffffffff, F.TYPE_UINT64: (1 << 64) - 1, F.TYPE_INT64: (1 << 64) - 1}
ELEMENTS = {
    "isac1.Header.groups": "GROUPS", "isac1.Header.recipients": "RECIPIENTS", "isac1.Payload.items": "ITEMS",
    "isac1.Indicator.tags": "TAGS", "isac1.Indicator.references": "REFERENCES", "isac1.Command.args": "ARGS",
    "isac1.Directory.key_ids": "KEY_IDS", "isac1.Lookup.keys": "LOOKUP_KEYS", "isac1.Directory.members": "KEY_IDS",
}
MAY_BE_EMPTY = {"isac1.Status", "isac1.Directory"}


class Refused(Exception):
    """A refusal with its wire code; item is 1 + the number of the offending item, step that of section 5."""

    def __init__(self, code, text, item=0, step=0):
        super().__init__(f"{code} {text}")
        self.code, self.item, self.step = code, item, step


def varint(data, at, end):
    """One varint of minimal length that fits 64 bits; its value and the offset behind it."""
    value = 0
    for count in range(10):
        if at == end:
            raise Refused(400, "truncated varint")
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << (7 * count)
        if byte < 0x80:
            if count and byte == 0:
                raise Refused(400, "varint longer than it need be")
            if value >> 64:
                raise Refused(400, "varint above 64 bits")
            return value, at
    raise Refused(400, "varint of more than ten bytes")


class _Scan:
    def __init__(self, data, reader):
        self.data, self.reader = data, reader
        self.fields = self.memory = 0
        self.unknown = False

    def count(self, memory=0):
        """413 comes before the 400 for unknown fields, so those are only remembered until the end."""
        self.fields += 1
        self.memory += memory
        if self.fields > LIMIT["FIELDS"]:
            raise Refused(413, "too many fields")
        if self.memory > LIMIT["DECODE_BYTES"]:
            raise Refused(413, "too much memory")

    def length(self, at, end):
        size, at = varint(self.data, at, end)
        if size > end - at:
            raise Refused(400, "length leaves its message")
        return at, at + size

    def skip(self, wire, at, end):
        """An unknown field: its extent must hold all the same."""
        self.unknown = True
        if wire == 0:
            return varint(self.data, at, end)[1]
        if wire == 2:
            return self.length(at, end)[1]
        if wire in (1, 5):
            size = 8 if wire == 1 else 4
            if end - at < size:
                raise Refused(400, "truncated number")
            return at + size
        raise Refused(400, "group or unknown wire type")

    def number(self, field, at, end):
        value, at = varint(self.data, at, end)
        if value > NUMBERS[field.type]:
            raise Refused(400, f"{field.full_name}: out of range")
        return at

    def message(self, descriptor, at, end, level):
        if level > LIMIT["NESTING"]:
            raise Refused(400, "nested too deeply")
        self.memory += 32 + 24 * len(descriptor.fields)
        seen, elements = set(), {}
        while at < end:
            tag, at = varint(self.data, at, end)
            if tag >> 32 or tag >> 3 == 0:
                raise Refused(400, "bad tag")
            at = self.field(descriptor, tag >> 3, tag & 7, at, end, level, seen, elements)

    def once(self, field, seen):
        group = field.containing_oneof.full_name if field.containing_oneof else field.number
        if group in seen:
            raise Refused(400, f"{field.full_name} stands twice")
        seen.add(group)

    def more(self, field, elements):
        elements[field.number] = elements.get(field.number, 0) + 1
        limit = ELEMENTS.get(field.full_name)
        if limit and elements[field.number] > LIMIT[limit]:
            raise Refused(413, f"{field.full_name}: too many")

    def field(self, descriptor, number, wire, at, end, level, seen, elements):
        field = descriptor.fields_by_number.get(number)
        self.count(16)
        if field is None:
            return self.skip(wire, at, end)
        repeated = field.label == F.LABEL_REPEATED
        if repeated:
            self.more(field, elements)
        else:
            self.once(field, seen)
        if field.type in NUMBERS:
            if wire == 2 and repeated:
                return self.packed(field, at, end, elements)
            if wire != 0:
                raise Refused(400, f"{field.full_name}: wire type")
            return self.number(field, at, end)
        if wire != 2:
            raise Refused(400, f"{field.full_name}: wire type")
        start, stop = self.length(at, end)
        if field.type == F.TYPE_MESSAGE:
            self.message(field.message_type, start, stop, level + 1)
        else:
            self.memory += stop - start + 1
            if field.type == F.TYPE_STRING:
                utf8(self.data[start:stop])
        return stop

    def packed(self, field, at, end, elements):
        at, stop = self.length(at, end)
        while at < stop:
            at = self.number(field, at, stop)
            self.count(8)
            self.more(field, elements)
        return at


def utf8(data):
    """RFC 3629 and no NUL, or 422; Python's strict decoder refuses overlong forms and surrogates."""
    try:
        text = bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(422, "not UTF-8") from None
    if "\0" in text:
        raise Refused(422, "NUL in a text")
    return text


def scan(data, message, reader=False):
    """Judges the bytes of one message; a reader skips unknown fields and accepts empty bodies."""
    if not data and not reader and message.DESCRIPTOR.full_name not in MAY_BE_EMPTY:
        raise Refused(400, "empty")
    state = _Scan(data, reader)
    state.message(message.DESCRIPTOR, 0, len(data), 0)
    if state.unknown and not reader:
        raise Refused(400, "unknown field")


def opened(data, message, reader=False):
    """scan, then decode."""
    scan(data, message, reader)
    return message.FromString(bytes(data))


def text_ok(text):
    """The rule for texts that people will read: no control, bidirectional or zero-width characters."""
    for char in map(ord, text):
        if (char < 0x20 or 0x7f <= char <= 0x9f or 0x202a <= char <= 0x202e or 0x2066 <= char <= 0x2069
                or 0x200b <= char <= 0x200f or char in (0x61c, 0x2060, 0xfeff) or 0xe0000 <= char <= 0xe007f):
            return False
    return True
