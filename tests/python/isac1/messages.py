"""isac1.proto's messages, compiled by protoc into a temporary folder at first use: nothing generated is kept."""
import importlib.util
import subprocess
import tempfile

from .tables import FRAME, PROTO


def _load():
    with tempfile.TemporaryDirectory(prefix="isac1-pb-") as folder:
        subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={folder}", "isac1.proto"], check=True)
        spec = importlib.util.spec_from_file_location("isac1_pb2", f"{folder}/isac1_pb2.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


pb = _load()


def message_of(type_number):
    """The message class that a frame type's body is, by the row of frame.def."""
    name = FRAME[type_number][3]
    return getattr(pb, "".join(part.capitalize() for part in name.split("_")))
