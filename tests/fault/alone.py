"""Runs the rest of this program in process and mount namespaces of its own, where that is allowed (root).

Whatever ends it, be it SIGKILL, takes every process, mount and loop device along that it made. And no other program that makes a mount
namespace at that moment copies our mounts: a copy would keep a file system in use after its umount.
"""
import ctypes
import os
import signal
import subprocess
import sys

CLONE_NEWNS, CLONE_NEWPID, MS_REC, MS_PRIVATE, PR_SET_PDEATHSIG = 0x20000, 0x20000000, 0x4000, 0x40000, 1
ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def is_allowed():
    try:
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def must(value, what):
    if value < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def pass_on(child):
    for number in ENDS:
        signal.signal(number, lambda n, _: os.kill(child, n))


def status_of(wait_status):
    return os.waitstatus_to_exitcode(wait_status) % 256     # a signal as a failure


def outside(init):
    """The process that the caller knows: it has nothing to do but to end as the run does."""
    pass_on(init)
    os._exit(status_of(os.waitpid(init, 0)[1]))


def init(worker):
    """Process 1 of the namespace: collects whom the hub leaves behind; a dead postmaster that nobody collects would pass for a live one."""
    pass_on(worker)
    while True:
        pid, status = os.wait()
        if pid == worker:
            os._exit(status_of(status))


def end(*_):
    """So that `finally` tidies up, undisturbed."""
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit("interrupted")


def enter():
    """True if the caller is now alone. SIGTERM and Ctrl-C unwind it."""
    for number in ENDS:
        signal.signal(number, end)
    if os.getuid() or not is_allowed():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    must(libc.unshare(CLONE_NEWNS | CLONE_NEWPID), "unshare")
    first = os.fork()
    if first:
        outside(first)
    os.setpgid(0, 0)            # Ctrl-C reaches the process outside, which passes it on once
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    must(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount --make-rprivate /")
    must(libc.mount(b"proc", b"/proc", b"proc", 0, None), "mount /proc")
    worker = os.fork()
    if worker:
        init(worker)
    return True
