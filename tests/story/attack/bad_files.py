"""Reads tests/data/bad/*.hex (format: README.md there) and plays them."""
import pathlib
import re

from . import zmtp

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "data/bad"


def one_line(line):
    """A line's frames."""
    many = re.fullmatch(r"(\d+) (x|frames) ([0-9a-fA-F ]+)", line)
    if line == "-":
        return [b""]
    if not many:
        return [bytes.fromhex(line)]
    n, how, data = int(many[1]), many[2], bytes.fromhex(many[3])
    return [data * n] if how == "x" else [data] * n


class Bad:
    def __init__(self, path):
        self.name = path.name
        self.code = path.name.removesuffix(".hex").rsplit(".", 1)[1]
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert lines[0].startswith("to "), path
        self.to, self.lines = lines[0][3:], lines[1:]

    def frames(self):
        return [frame for line in self.lines for frame in one_line(line)]

    def play_raw(self, wire):
        for line in self.lines:
            try:
                if line.startswith("then "):
                    wire.take(64)
                wire.send_raw(bytes.fromhex(line.removeprefix("then ")))
            except zmtp.Cut:
                return


def all_of(*to):
    files = (Bad(path) for path in sorted(FOLDER.glob("*.hex")))
    return [bad for bad in files if bad.to in to]
