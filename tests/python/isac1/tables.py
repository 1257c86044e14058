"""The tables of proto/wire, read as the text they are: limits, frames, value types, held values."""
import pathlib
import re

PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto"


def _rows(name, macro):
    text = re.sub(r"/\*.*?\*/", "", (PROTO / "wire" / name).read_text(), flags=re.S)
    return re.findall(rf"^{macro}\((.*)\)\s*$", text, flags=re.M)


def _fields(row):
    return [f.strip() for f in row.split(",")]


LIMIT = {f[0]: int(f[1]) for f in map(_fields, _rows("limits.def", "LIMIT"))}
# type number -> (NAME, port, direction, message)
FRAME = {int(f[0], 16): (f[1], f[2], f[3], f[4]) for f in map(_fields, _rows("frame.def", "FRAME"))}
TYPE = {name: number for number, (name, *_) in FRAME.items()}
VALUE = {int(f[0]): f[2].strip('"') for f in map(_fields, _rows("value.def", "VALUE"))}
VALUE_NUMBER = {name: number for number, name in VALUE.items()}
_CONST = {f[1]: int(f[0]) for f in map(_fields, _rows("value.def", "VALUE"))}
HELD = {(_CONST[f[0]], f[1].strip('"')) for f in map(_fields, _rows("held.def", "HELD"))}
