"""The rows of the table: each runs hub and yardstick in turn, round by round, and gives its lines."""
import dataclasses
import math
import os
import pathlib
import shutil
import signal
import statistics
import subprocess

import stage as stages

import slowline  # noqa: I001  beside the stories, which stage.py lets us find

MOVED = 0.15            # a yardstick that moved by more decides nothing


def spread(values):
    return (max(values) - min(values)) / statistics.median(values) if values and statistics.median(values) else 0.0


@dataclasses.dataclass
class Line:
    """hub / yard must be at_least or at_most; neither: no goal."""
    row: str
    what: str
    unit: str
    hub: list
    yard: list
    yard_name: str
    at_least: float = None
    at_most: float = None
    note: str = ""

    @property
    def ratio(self):
        return statistics.median(self.hub) / statistics.median(self.yard)

    @property
    def goal(self):
        return f">= {self.at_least:g}" if self.at_least else f"<= {self.at_most:g}" if self.at_most else "-"

    @property
    def verdict(self):
        if not (self.at_least or self.at_most):
            return "-"
        passed = self.ratio >= self.at_least if self.at_least else self.ratio <= self.at_most
        word = "pass" if passed else "miss"
        moved = spread(self.yard)
        return f"inconclusive ({word}; yardstick moved {moved:.0%})" if moved > MOVED else word


def cpu_note(before, after, n, what):
    """Where the hub's CPU went, in microseconds a unit."""
    used = {name: (seconds - before.get(name, 0)) / n * 1e6 for name, seconds in after.items()}
    return f"CPU us {what}: " + ", ".join(f"{name} {us:.1f}" for name, us in sorted(used.items(), key=lambda one: -one[1]) if us >= 0.1)


class Rows:
    def __init__(self, stage, rounds, scale):
        self.stage, self.rounds, self.scale = stage, rounds, scale

    def size(self, n):
        return max(200, int(n * self.scale))

    def raw(self, *args):
        return self.stage.program("raw", *args).ready().go().result()

    # ---- ingest ----

    def copy_batch(self, hub, before):
        """Items a commit since `before`, in whole reports: what COPY gets as its batch."""
        items, commits = (hub.hub.stat(name) - was for name, was in zip(("store.items", "store.commits"), before))
        return max(100, round(items / max(1, commits) / 100) * 100)

    def ingest_rounds(self, hub, reports):
        """(receipted a second, indexed a second, COPY rows a second) of each round, and a note."""
        hub.publish(200, 100, "--indexed")      # partitions, prepared statements, warm caches
        hub.pg("copy", 20000, 1000, 1 << 40)
        found, rows = [], 0
        for _ in range(self.rounds):
            before, cpu = (hub.hub.stat("store.items"), hub.hub.stat("store.commits")), hub.cpu()
            load = hub.publish(reports, 100, "--indexed")
            note = cpu_note(cpu, hub.cpu(), load["items"], "an item, index included")
            batch, cpu = self.copy_batch(hub, before), hub.cpu()
            copy = hub.pg("copy", load["items"], batch, rows)
            rows += load["items"]
            note += f"; COPY {(hub.cpu()['postgres'] - cpu['postgres']) / load['items'] * 1e6:.1f}; batch {batch}"
            found.append((load["items"] / load["seconds"], load["items"] / load["indexed_seconds"], copy["rate"]))
        return [list(column) for column in zip(*found)], note

    def ingest(self):
        hub = self.stage.hub()
        (burst, _, copy), note = self.ingest_rounds(hub, self.size(2000))
        yield Line("1", "durable ingest in bulk, receipted (100 indicators a report)", "items/s", burst, copy, "binary COPY, indexed", at_least=5, note=note)
        hub.stop()

    def sustained(self):
        hub = self.stage.hub()
        (_, indexed, copy), note = self.ingest_rounds(hub, self.size(5000))
        yield Line("1", "the same sustained, until all is indexed and deduplicated", "items/s", indexed, copy, "binary COPY, indexed", at_least=0.8, note=note)
        hub.stop()

    # ---- single reports ----

    def single(self):
        hub, file = self.stage.hub(), self.stage.folder / "sync"
        nats, mqtt = Peer(self.stage, "nats"), Peer(self.stage, "mqtt")
        mqtt.hold()
        hub.publish(2000, 1, "--indexed")
        got = {name: [] for name in ("hub", "verify", "commit", "sync", "pgbench", "mqtt", "jetstream")}
        for turn in range(self.rounds):
            cpu = hub.cpu()
            load = hub.publish(self.size(40000), 1)
            note = cpu_note(cpu, hub.cpu(), load["reports"], "a report (index running behind)")
            got["hub"].append(load["reports"] / load["seconds"])
            hub.publish(200, 1, "--indexed")    # the yardsticks in the same cluster get it idle
            got["verify"].append(self.raw("verify", 2, 200)["rate"])
            got["commit"].append(hub.pg("insert", self.size(4000), (1 << 41) + (turn << 30))["rate"])
            got["sync"].append(self.raw("sync", file, 1)["rate"])
            got["pgbench"].append(hub.pgbench(16, 3))
            got["mqtt"].append(mqtt.publish("mqtt", self.size(60000)))
            got["jetstream"].append(nats.publish("jetstream", self.size(60000)))
        mqtt.stop(), nats.stop(), hub.stop()

        def line(yard, text, **goal):
            return Line(goal.pop("row", "3"), "single signed reports, durable, 16 publishers, window 256", "reports/s", got["hub"], got[yard], text, **goal)
        yield line("verify", "ed25519 verify, one core", row="2", at_least=0.95, note=note)
        yield line("pgbench", "pgbench -c 16, 1 KB rows", at_least=1.2)
        yield line("commit", "one-row INSERT, one session", note="the commit rate of the disk through PostgreSQL")
        yield line("sync", "fdatasync of 8 KB overwrites", note="the bare flush rate of the disk")
        yield line("mqtt", "mosquitto QoS 1, password", note="1 KB, kept for an absent QoS 1 subscriber; does NOT sync before its ack, neither signs nor encrypts")
        yield line("jetstream", "JetStream, file store, password", note="1 KB; Debian's 2.9.10 does NOT sync before its ack (every 2 min), neither signs nor encrypts")

    def verifiers(self):
        hub, reports, verify = self.stage.hub("verifiers=2"), [], []
        hub.publish(2000, 1)
        for _ in range(self.rounds):
            load = hub.publish(self.size(40000), 1)
            reports.append(load["reports"] / load["seconds"])
            hub.publish(200, 1, "--indexed")
            verify.append(self.raw("verify", 2, 200)["rate"])
        hub.stop()
        yield Line("2", "the same with verifiers=2", "reports/s", reports, verify, "ed25519 verify, one core", at_least=1.3)

    # ---- latency ----

    def receipt(self):
        hub, p50, p99, commit = self.stage.hub(), [], [], []
        hub.publish(200, 1, "--window", 1, publishers=1)
        for turn in range(self.rounds):
            load = hub.publish(self.size(3000), 1, "--window", 1, publishers=1)
            p50.append(load["p50_us"]), p99.append(load["p99_us"])
            hub.publish(200, 1, "--indexed")
            commit.append(hub.pg("insert", self.size(3000), (1 << 41) + (turn << 30))["p50_us"])
        hub.stop()
        yield Line("4", "receipt, one outstanding, p50", "us", p50, commit, "one-row INSERT commit, p50", at_most=2.3)
        yield Line("4", "receipt, one outstanding, p99", "us", p99, commit, "one-row INSERT commit, p50", at_most=3.5)

    def live(self, hub, reports, rate=200, members=10):
        """Delivery times at so many reports a second, every entry verified."""
        stamps = self.stage.folder / f"stamps{hub.next}"
        feed = hub.feed(members, reports, "--verify", "--stamps", stamps).ready().go()
        load = hub.load(reports, 1, "--rate", rate, "--stamps", stamps).ready().go()
        found = feed.result()
        load.result()
        return found

    def delivery(self):
        hub, found, commit, paced = self.stage.hub(), [], [], []
        self.live(hub, 200)
        for turn in range(self.rounds):
            found.append(self.live(hub, 1000))
            commit.append(hub.pg("insert", self.size(3000), (1 << 41) + (turn << 30))["p50_us"])
            paced.append(hub.pg("insert", self.size(1000), (1 << 42) + (turn << 30), 200)["p50_us"])
        hub.stop()
        arrived = statistics.median(one["arrived_p50_us"] for one in found)
        what = "publish to verified delivery, 200/s, 10 members"
        yield Line("5", f"{what}, p50", "us", [one["checked_p50_us"] for one in found], commit, "one-row INSERT commit, p50", at_most=3.8,
                   note=f"arrival of the frame, unverified: {arrived:.0f}; one thread verifies for all ten")
        yield Line("5", f"{what}, p99", "us", [one["checked_p99_us"] for one in found], commit, "one-row INSERT commit, p50", at_most=7)
        yield Line("5", f"{what}, p50", "us", [one["checked_p50_us"] for one in found], paced, "the same INSERT at 200/s, p50",
                   note="processors that sleep 5 ms between two events wake slowly: for the hub as for a bare INSERT")

    def halfload(self):
        """Delivery times when half of what can be sent is sent."""
        hub, found, commit = self.stage.hub(), [], []
        self.live(hub, 200)
        for turn in range(self.rounds):
            most = self.hub_fanout(hub, 2, self.size(20000), 1, 0, "--verify")[0] / 2
            rate = max(1, int(most / 2))
            found.append(self.live(hub, self.size(rate * 10), rate, members=2))
            commit.append(hub.pg("insert", self.size(3000), (1 << 41) + (turn << 30))["p50_us"])
        hub.stop()
        for name, key in (("p50", "checked_p50_us"), ("p99", "checked_p99_us"), ("p99.9", "checked_p999_us")):
            yield Line("-", f"publish to verified delivery at half of the highest rate, 2 members, {name}", "us", [one[key] for one in found], commit,
                       "one-row INSERT commit, p50", note=f"{rate}/s in the last round; one thread verifies for both")

    # ---- fan-out ----

    def hub_fanout(self, hub, sessions, reports, items=1, pad=700, *args):
        feed = hub.feed(sessions, reports, "--filtered", *args).ready().go()
        load = hub.load(reports, items, "--pad", pad).ready().go()
        end, start = feed.result(), load.result()
        hub.publish(200, 1, "--indexed")
        return end["entries"] / (end["end_us"] - start["start_us"]) * 1e6, end["bytes"] / end["entries"]

    def raw_fanout(self, sessions, count, size):
        pub = self.stage.program("raw", "pub", count, size, sessions)
        _, port, key = pub.line().split()
        sub = self.stage.program("raw", "sub", port, key, sessions, count)
        pub.ready().go()
        end = sub.result()
        return sessions * count / (end["end_us"] - pub.result()["start_us"]) * 1e6

    def fanout(self):
        hub = self.stage.hub()
        nats, mqtt = Peer(self.stage, "nats"), Peer(self.stage, "mqtt")
        hub.publish(2000, 1, "--indexed")
        for sessions, reports, count in ((1, 20000, 200000), (10, 10000, 60000), (100, 3000, 6000), (500, 1000, 2000)):
            reports, count = self.size(reports), self.size(count)
            got = {name: [] for name in ("hub", "bytes", "raw", "mqtt0", "mqtt1", "nats", "jetstream")}
            for _ in range(self.rounds):
                cpu = hub.cpu()
                rate, size = self.hub_fanout(hub, sessions, reports)
                note = cpu_note(cpu, hub.cpu(), reports * sessions, "a delivery, ingest and index included")
                got["hub"].append(rate), got["bytes"].append(size)
                got["raw"].append(self.raw_fanout(sessions, count, round(size)))
                if sessions > 1:
                    for kind, peer in (("mqtt0", mqtt), ("mqtt1", mqtt), ("nats", nats), ("jetstream", nats)):
                        if sessions > 100 and kind in ("mqtt1", "jetstream"):
                            continue
                        got[kind].append(peer.fanout(kind, sessions, max(512, count // 4)))
            yield from self.fanout_lines(sessions, got, note)
        mqtt.stop(), nats.stop(), hub.stop()

    def fanout_lines(self, sessions, got, note):
        who = "subscriber" if sessions == 1 else "subscribers, a filter each"

        def line(yard, text, **goal):
            return Line("7", f"fan-out to {sessions} {who}, {got['bytes'][0]:.0f} B an entry, published live", "deliveries/s", got["hub"], got[yard], text, **goal)
        hundred = sessions == 100
        yield line("raw", "bare XPUB/SUB CURVE", at_least=0.9 if hundred else None, note=note + ("" if hundred else "; bound by ingest: each report is verified and synced first"))
        if sessions > 1:
            yield line("mqtt0", "mosquitto QoS 0, password", at_least=1.6 if hundred else None, note="plaintext")
            yield line("nats", "NATS core, password", note="plaintext, at most once")
        if got["mqtt1"]:
            yield line("mqtt1", "mosquitto QoS 1, password", note="plaintext, not synced")
            yield line("jetstream", "JetStream push consumers, password", note="plaintext, not synced before ack")

    def batched(self):
        hub, nats = self.stage.hub(), Peer(self.stage, "nats")
        hub.publish(200, 100, "--indexed")
        items, raw, core = [], [], []
        for _ in range(self.rounds):
            items.append(100 * self.hub_fanout(hub, 100, self.size(1000), items=100, pad=0)[0])
            raw.append(self.raw_fanout(100, self.size(8000), 200))
            core.append(nats.fanout("nats", 100, self.size(8000) // 4, size=200))
        nats.stop(), hub.stop()
        what = "fan-out to 100 subscribers of small events, 100 a report"
        yield Line("7", what, "items/s", items, raw, "bare XPUB/SUB CURVE, 200 B each", at_least=8, note="each entry with header, signature and secret")
        yield Line("7", what, "items/s", items, core, "NATS core, 200 B each, plaintext", at_least=3)

    # ---- catch-up ----

    def catchup(self):
        hub, reports = self.stage.hub(), self.size(10000)
        items = reports * 100
        hub.publish(reports, 100, "--indexed")
        hub.pg("copy", items, 10000, 0)
        rate, out, quiet, busy = [], [], [], []
        for _ in range(self.rounds):
            home, request = self.stage.subscribers[0], hub.hub.request_endpoint
            rate.append(self.stage.program("catchup", home, request, items).ready().go().result()["rate"])
            out.append(hub.pg("out", items)["rate"])
            quiet.append(self.live(hub, 400)["arrived_p99_us"])
            behind = self.stage.program("catchup", home, request, items).ready().go()
            busy.append(self.live(hub, 400)["arrived_p99_us"])
            behind.result()
        hub.stop()
        yield Line("9", f"catch-up of {items:,} items, every one verified by libisac, none lost or twice", "items/s", rate, out, "COPY TO STDOUT BINARY", at_least=0.5,
                   note="one thread verifies")
        yield Line("9", "delivery to 10 others during a catch-up, p99", "us", busy, quiet, "the same without it", at_most=1.3,
                   note="the catching-up client takes a core of two")

    def storm(self):
        """A backlog for each of 1, of 50, and of 200 who come back at once after a restart of the hub; then once more beside live readers."""
        hub, backlog = self.stage.hub(), self.size(100000)
        hub.publish(backlog, 1, "--indexed")

        def restarted():
            port = hub.hub.port
            hub.hub.stop(expect=None)
            hub.hub.start(port)
        for sessions, count in ((1, 200000), (50, 12000), (200, 3000)):
            rate, raw = [], []
            for _ in range(self.rounds):
                restarted()
                before = hub.memory()
                found = hub.feed(sessions, backlog, "--start").ready().go().result()
                grown = {name: (kb - before[name]) // 1024 for name, kb in hub.memory().items()}
                rate.append(found["entries"] / (found["end_us"] - found["start_us"]) * 1e6)
                pages = hub.hub.stat("feed.pages")
                raw.append(self.raw_fanout(sessions, self.size(count), round(found["bytes"] / found["entries"])))
            yield Line("-", f"catch-up of {sessions} at once, {backlog:,} single reports each, after a restart", "entries/s", rate, raw, "bare XPUB/SUB CURVE, one message each",
                       note=f"every range checked; the database was read {pages * 2000 / backlog:.1f} times; memory grew by {grown['core']} MB in core, {grown['front']} MB in front")
        quiet, busy, lasted = [], [], []
        for _ in range(self.rounds):
            restarted()
            back = hub.feed(200, backlog, "--start").ready()    # connected, and at rest for now
            self.live(hub, 200)
            quiet.append(self.live(hub, self.size(8000)))
            back.go()
            busy.append(self.live(hub, self.size(8000)))
            found = back.result()
            lasted.append((found["end_us"] - found["start_us"]) / 1e6)
        hub.stop()
        for name, key in (("p50", "arrived_p50_us"), ("p99", "arrived_p99_us")):
            yield Line("T7", f"delivery to 10 others, 200/s, while 200 catch up on {backlog:,} reports each, {name}", "us", [one[key] for one in busy],
                       [one[key] for one in quiet], "the same while they rest", at_most=2 if name == "p99" else None,
                       note=f"arrival of the frame; the 200 took {statistics.median(lasted):.1f} s, the others were looked at for {self.size(8000) / 200:.0f} s of it; the 200's client shares the two cores, at the same priority")

    # ---- neighbours ----

    def neighbours(self):
        """Others' delivery times beside one who is stopped, one at 64 kbit/s, one who comes and goes; before it the same without them."""
        slow = slowline.Line("64kbit") if os.getuid() == 0 and all(map(shutil.which, slowline.TOOLS)) else None
        try:
            hub = self.stage.hub(host=slow.host if slow else "127.0.0.1")
            reports, quiet, busy = self.size(12000), [], []
            self.live(hub, 400, members=47)
            for _ in range(self.rounds):
                before = hub.memory()
                quiet.append(self.live(hub, min(reports, 12000), members=47))   # a minute says it, however long the others misbehave
                bad = [hub.feed(1, 1 << 30).ready().go(), hub.feed(1, 1 << 30, "--come-and-go").ready().go()]
                if slow:
                    bad.append(hub.subscriber("ip", "netns", "exec", slow.name))
                bad[0].proc.send_signal(signal.SIGSTOP)
                busy.append(self.live(hub, reports, members=47))
                grown = {name: (kb - before[name]) // 1024 for name, kb in hub.memory().items()}
                got = bad[2].entries() if slow else 0
                for one in bad:
                    one.stop_endless()
            hub.stop()
        finally:
            if slow:
                slow.close()
        note = f"for {reports / 200:.0f} s; one thread verifies for all; memory grew by {grown['core']} MB in core, {grown['front']} MB in front" + (f"; the slow line got {got} reports" if slow else "; NOT beside a slow line: needs root")
        for name, key in (("p50", "checked_p50_us"), ("p99", "checked_p99_us"), ("p99.9", "checked_p999_us")):
            yield Line("T7", f"delivery to 47 others beside bad neighbours, 200/s, {name}", "us", [one[key] for one in busy], [one[key] for one in quiet], "the same without them",
                       at_most=1.1 if name == "p99" else None, note=note)

    # ---- matching ----

    def match(self, filters, broad, seconds=2):
        return [self.stage.program("match", filters, broad, seconds).result() for _ in range(self.rounds)]

    def matching(self):
        """One core, no hub. In each run the loop over all filters answers the same events first, and must find the same."""
        rate = {}
        for filters in (1, 10000, 100000, max(100000, int(1000000 * min(1, self.scale)))):
            found = self.match(filters, 250)
            last, rate[filters] = found[-1], [one["rate"] for one in found]
            scan = [one["scan_rate"] for one in found]
            note = (f"{last['matches']:.2f} matches an event; adding one {last['add_ns']:.0f} ns, removing {last['remove_ns']:.0f} ns; index {last['bytes_filter']:.0f} B "
                    f"a filter, the compiled filter itself {last['bytes_compiled']:.0f} B")
            yield Line("6", f"matching, {filters:,} watch-list filters, one core", "events/s", rate[filters], scan, "a loop over all filters",
                       at_least=8000 if filters >= 1000000 else None, note=note if filters > 1 else "")
        most = max(rate)
        yield Line("6", f"matching, {most:,} watch-list filters, one core", "events/s", rate[most], [2e6], "the goal itself", at_least=1)
        yield Line("6", "matching, slower from 10,000 filters to the most", "events/s of 10,000", rate[10000], rate[most], "events/s of the most", at_most=2.5)
        yield Line("6", "matching, a match where all of 100,000 filters are broad", "ns", [one["ns_match"] for one in self.match(100000, 1000000)], [10],
                   "the goal itself", at_most=1)


    # ---- traceback ----

    def edge(self):
        count, file = self.size(1000000), self.stage.folder / "edge.pcap"
        self.stage.program("edge", "make", file, count).result()
        got = {name: [] for name in ("bloom", "exact", "read", "key", "wrong")}
        kept = {}
        for turn in range(self.rounds):
            got["read"].append(self.stage.program("edge", "read", file).ready().go().result()["rate"])
            for kind in ("bloom", "exact"):
                found = self.stage.program("edge", "digest", file, kind, self.stage.folder / f"edge-{kind}{turn}").ready().go().result()
                got[kind].append(found["rate"])
                kept[kind] = found["bytes_per_packet"]
            got["key"].append(self.stage.program("edge", "key", 1).ready().go().result()["rate"])
        file.unlink()
        wrong = self.stage.program("edge", "wrong", 100000, 60, 3000000).result()
        law = (1 - math.exp(-10 * wrong["packets"] / wrong["bits"])) ** 10
        for kind in ("bloom", "exact"):
            what = f"isac-edge: packets of a capture file digested and kept, {kind} pages, one core"
            yield Line("-", what, "packets/s", got[kind], got["read"], "libpcap reads the same file", note=f"{kept[kind]:.2f} bytes kept a packet")
            yield Line("-", what, "packets/s", got[kind], got["key"], "HMAC-SHA-256 of libsodium alone")
        yield Line("-", "isac-edge: wrong hits of a page of 100,000 packets/s for 60 s", "a million", [wrong["rate"] * 1e6], [law * 1e6],
                   "(1 - e^(-kn/m))^k", at_most=1.1, note=f"{wrong['wrong']:,} of {wrong['probes']:,}")


class Peer:
    """mosquitto or nats-server on a free port, with a password and its data beside the hub's."""

    def __init__(self, stage, kind):
        self.stage, self.port, self.folder = stage, stages.free_port(), stage.folder / f"{kind}{stage.count}"
        self.folder.mkdir()
        getattr(self, f"start_{kind}")()

    def start_mqtt(self):
        passwords, conf = self.folder / "passwords", self.folder / "mosquitto.conf"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "bench", "bench"], check=True, capture_output=True, timeout=20)
        user = "user root\n" if pathlib.Path.home() == pathlib.Path("/root") else ""
        conf.write_text(f"{user}listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\npersistence true\n"
                        f"persistence_location {self.folder}/\nmax_queued_messages 0\nmax_queued_bytes 0\nmax_inflight_messages 0\nset_tcp_nodelay true\nlog_type none\n")
        self.server = self.stage.daemon([find("mosquitto"), "-c", conf], self.port)

    def start_nats(self):
        conf = self.folder / "nats.conf"
        conf.write_text(f"host: 127.0.0.1\nport: {self.port}\nauthorization {{ user: bench, password: bench }}\nmax_pending: 1GB\n"
                        f"jetstream {{ store_dir: \"{self.folder}\", max_file_store: 20GB }}\n")
        self.server = self.stage.daemon([find("nats-server"), "-c", conf], self.port)

    def hold(self):
        """Somebody who is away and must get everything: QoS 1 without such a one keeps nothing."""
        self.stage.program("peer", "mqtt1", "hold", self.port).result()

    def publish(self, kind, count):
        return self.stage.program("peer", kind, "pub", self.port, count, 1024, 256, stages.PUBLISHERS).ready().go().result()["rate"]

    def fanout(self, kind, sessions, count, size=1024):
        count = count // 16 * 16
        sub = self.stage.program("peer", kind, "sub", self.port, sessions, count).ready().go()
        pub = self.stage.program("peer", "mqtt" if kind.startswith("mqtt") else kind, "pub", self.port, count, size, 256, 1).ready().go()
        end, start = sub.result(), pub.result()
        return end["entries"] / (end["end_us"] - start["start_us"]) * 1e6

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def find(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin") or program
