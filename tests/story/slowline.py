"""A line as slow as told, to a network namespace of its own: for stories and for the benchmark. Needs root."""
import contextlib
import os
import subprocess

TOOLS = ("ip", "tc")


def sh(*argv):
    subprocess.run([str(a) for a in argv], check=True, capture_output=True, timeout=20)


class Line:
    """A network namespace behind a pair of interfaces, whose near side is as slow as told."""

    def __init__(self, rate):
        n = os.getpid() % 16384
        self.name, self.near, self.far = f"isac{n}", f"isacn{n}", f"isacf{n}"
        self.host, self.guest = f"100.{64 + n // 256}.{n % 256}.1", f"100.{64 + n // 256}.{n % 256}.2"
        sh("ip", "netns", "add", self.name)
        sh("ip", "link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.name)
        sh("ip", "addr", "add", f"{self.host}/30", "dev", self.near)
        sh("ip", "link", "set", self.near, "up")
        sh("ip", "-n", self.name, "addr", "add", f"{self.guest}/30", "dev", self.far)
        sh("ip", "-n", self.name, "link", "set", self.far, "up")
        sh("tc", "qdisc", "add", "dev", self.near, "root", "tbf", "rate", rate, "burst", "4kb", "limit", "64kb")

    def close(self):
        for argv in (("ip", "link", "del", self.near), ("ip", "netns", "del", self.name)):
            with contextlib.suppress(subprocess.CalledProcessError):
                sh(*argv)
