"""A small ext4 file system on a loop device, to be cut off from power or filled up. Needs the namespaces of alone.py."""
import ctypes
import errno
import fcntl
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "story"))
import hub as hubs  # noqa: E402

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
MNT_DETACH = 2


def why_not(is_alone):
    """Why there can be no disk here; None if there can."""
    if not is_alone:
        return "needs root and the right to mount"
    with tempfile.TemporaryDirectory(prefix="isac-disk-") as work:
        try:
            Disk(pathlib.Path(work), "tried", 8).close()
        except subprocess.CalledProcessError as error:
            return f"needs loop devices and ext4: {error}"
    return None


class Disk:
    def __init__(self, work, name, megabytes):
        self.image, self.mount_point = work / f"{name}.img", work / name
        self.mount_point.mkdir()
        subprocess.run(["truncate", "-s", f"{megabytes}M", self.image], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self.image], check=True)     # -m 0: full for root is full for all
        self.mount()
        os.chmod(self.mount_point, 0o755)

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.mount_point], check=True)
        self.device = self.mount_point.stat().st_dev

    def cut_power(self):
        """What was not flushed is gone; everything that is open gives EIO."""
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def users(self):
        """Who keeps it, as `fuser -vm` would say: what to read when it cannot be unmounted."""
        lines = []
        for proc in pathlib.Path("/proc").iterdir():
            if proc.name.isdigit():
                held = held_by(proc, self.device)
                if held:
                    lines.append(f"{proc.name} {name_of(proc)}: {', '.join(held)}")
        return lines

    def unmount(self):
        def is_unmounted():
            done = subprocess.run(["umount", self.mount_point], capture_output=True, text=True)
            self.said = done.stderr.strip()
            return done.returncode == 0 or not os.path.ismount(self.mount_point)
        try:
            hubs.until("unmounted", is_unmounted, 30)
        except AssertionError:
            raise AssertionError(f"{self.mount_point} stays mounted: {self.said}; in use by: " + "; ".join(self.users())) from None

    def fill(self):
        """Until not one block is left."""
        fd = os.open(self.mount_point / "filler", os.O_WRONLY | os.O_CREAT)
        size, piece = os.fstat(fd).st_size, 64 << 20
        while piece >= 4096:
            try:
                os.posix_fallocate(fd, size, piece)
                size += piece
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece //= 2
        os.close(fd)

    def free(self):
        (self.mount_point / "filler").unlink()

    def close(self):
        """At the end of a run, also a failed one: never waits, the kernel takes it away with its last user."""
        ctypes.CDLL(None).umount2(os.fsencode(self.mount_point), MNT_DETACH)


def name_of(proc):
    try:
        argv = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return f"({argv[:80] or (proc / 'comm').read_text().strip()}, state {re.search(r'State:.(.)', (proc / 'status').read_text()).group(1)})"
    except (OSError, AttributeError):
        return "(gone)"


def held_by(proc, device):
    """What a process has of a file system: its folders, open files, mapped files."""
    held = []
    try:
        links = [proc / "cwd", proc / "root", proc / "exe", *(proc / "fd").iterdir()]
        for link in links:
            try:
                if link.stat().st_dev == device:
                    held.append(f"{link.relative_to(proc)} -> {os.readlink(link)}")
            except OSError:
                continue
        wanted = f"{os.major(device):02x}:{os.minor(device):02x}"
        maps = {words[5] for words in (line.split(None, 5) for line in (proc / "maps").read_text().splitlines())
                if len(words) == 6 and words[3] == wanted}
        held += [f"maps {path}" for path in sorted(maps)]
    except OSError:
        pass
    return held
