"""A year of history of realistic shape, and what questions about it cost: `sh tests/bench/run.sh history`; see README.md beside this file.

history.c fills the hub's table of reports, the hub's own indexer derives the rest. Then each question goes through the hub (a real member, CURVE,
one question outstanding) and, over one session without network, as prepared SQL to one flat table with the ideal index, and to the same
without any index. With --data the folder is kept and found again; without it everything goes when the run ends.
"""
import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import random
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage as stages  # noqa: E402  it shows the way to hub.py

sys.path.insert(0, str(stages.ROOT / "tests/python"))
import hub as hubs  # noqa: E402
from isac1 import bundle  # noqa: E402
from isac1.client import Client, Feed  # noqa: E402
from isac1.frame import Head  # noqa: E402
from isac1.messages import message_of, pb  # noqa: E402

PUBLISHERS, PARTITIONS, REPORT_ITEMS, DAY_US = 16, 12, 10.5, 86400 * 10**6
PART = 10_000_000       # mentions of one transaction of the fill; a file "enough" in the folder ends it after the one at hand
WARM = 1000             # different questions of a kind, each once before the clock runs
AT_ONCE = 1000          # keys of one LOOKUP
RANGES = 100_000        # rows of feed_range for WHO
STATISTICS = ("total", "day", "type", "publisher", "country", "asn", "score cards", "overlap")

# One row a mention with all that questions ask about, and the index that each would wish for.
FLAT = """CREATE SCHEMA bench; CREATE TABLE bench.flat AS SELECT m.seq, m.item, m.key, r.received, r.publisher_id, r.audience_id, m.type, m.confidence, m.asn, m.country,
m.held, m.tags, m.valid_until, i.value, i.addr, i.rdom FROM isac.mention m JOIN isac.report r ON r.seq = m.seq JOIN isac.indicator i ON i.key = m.key ORDER BY m.seq, m.item;
CREATE INDEX ON bench.flat (key, seq); CREATE INDEX ON bench.flat (addr, seq) WHERE addr IS NOT NULL; CREATE INDEX ON bench.flat (rdom, seq) WHERE rdom IS NOT NULL;
CREATE INDEX ON bench.flat (seq, item); CREATE INDEX ON bench.flat (received, seq); CREATE INDEX ON bench.flat (asn, seq) WHERE asn IS NOT NULL;
ALTER TABLE bench.flat SET (autovacuum_enabled = off)"""
MAY = "NOT held AND audience_id = ANY ({visible})"
PAGE = "SELECT seq, item, value FROM bench.flat WHERE {where} AND " + MAY + " ORDER BY seq DESC, item DESC LIMIT 101"


def say(text):
    print(f"{chr(13) * sys.stderr.isatty()}history: {text}", file=sys.stderr, flush=True)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text} ", end="", file=sys.stderr, flush=True)


@dataclasses.dataclass
class Question:
    """asks: messages for the hub. sql and rows: the same for the flat table, and what goes in from question to question."""
    what: str
    name: str
    asks: list
    sql: str = ""
    rows: list = dataclasses.field(default_factory=list)
    scan: bool = True
    goal: str = ""


def quantiles(took):
    took = sorted(took)
    return statistics.median(took), took[int((len(took) - 1) * 0.99)], len(took)


def us(v):
    return f"{v:,.0f}" if v < 1e5 else f"{v / 1000:,.0f} k"


class History:
    def __init__(self, folder, mentions, settings=()):
        self.folder, self.wanted = pathlib.Path(folder), mentions
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.settings = [*stages.UNLIMITED, *settings]
        self.hub = hubs.Hub(self.folder / "hub", self.settings)
        self.said = self.folder / "said.json"
        self.told = json.loads(self.said.read_text()) if self.said.exists() else {}
        self.fd = None
        self.bin = self.folder / "bin"      # where the cluster's user can reach them
        self.bin.mkdir(exist_ok=True)
        for program in ("history", "load"):
            shutil.copy(hubs.BIN / f"isac_bench_{program}", self.bin)

    def keep(self, **told):
        self.told.update(told)
        self.said.write_text(json.dumps(self.told))

    # ---- the hub and its cluster ----

    def start(self):
        self.hub.start()
        self.fd = os.open(self.hub.folder / "pg", os.O_RDONLY | os.O_DIRECTORY)

    def stop(self):
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
        self.hub.stop(expect=None)

    def close(self):
        self.stop()
        hubs.forget_template()

    def sql(self, text, timeout=7200):
        user = {"user": (self.hub.folder / "pg").stat().st_uid} if os.getuid() == 0 else {}
        return hubs.run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", f"/proc/self/fd/{self.fd}", "-U", "postgres", "isac", "-c", text, cwd="/",
                        pass_fds=[self.fd], timeout=timeout, **user).stdout.strip()

    def program(self, *args, stdin=None):
        """history.c beside the cluster; stderr, its progress, goes through."""
        user = {"user": (self.hub.folder / "pg").stat().st_uid} if os.getuid() == 0 else {}
        argv = [self.bin / "isac_bench_history", f"host=/proc/self/fd/{self.fd} user=postgres dbname=isac", *args]
        err = None if args[0] == "fill" else subprocess.PIPE
        done = subprocess.run([str(a) for a in argv], input=stdin, stdout=subprocess.PIPE, stderr=err, text=True, cwd="/", pass_fds=[self.fd], check=False, **user)
        if done.returncode:
            raise RuntimeError(f"history {args[0]}: {done.stderr}")
        return json.loads(done.stdout)

    # ---- filling ----

    def found(self):
        """Initialises the hub: twelve partitions a year, and everybody enrolled."""
        say("a hub is founded, members are enrolled")
        span = max(1000, int(self.wanted / REPORT_ITEMS / PARTITIONS))
        hubs.run(hubs.BIN / "isacd", "init", "--data", self.hub.folder, "--listen", "tcp://127.0.0.1:7400", "--span", span)
        self.start()
        for i in range(PUBLISHERS):
            self.hub.enrol(f"p{i}", "publisher")
        reader = self.hub.enrol("reader", "subscriber")
        self.hub.admin.isac("admin", "group", "add", "banks")
        self.hub.admin.isac("admin", "group", "join", "banks", "p0")
        first = self.hub.members["p0"]
        for n, (tlp, args) in enumerate((("green", ()), ("clear", ()), ("amber", ()), ("amber", ("--group", "banks")))):
            first.publish(f"93.184.216.{n + 1}", tlp=tlp, args=args)
        self.stop()
        self.keep(homes=[str(self.hub.members[f"p{i}"].home) for i in range(PUBLISHERS)], reader=str(reader.home), curve="")

    @staticmethod
    def own(homes, uid):
        """The generator signs with the publishers' keys, and runs as the cluster's user."""
        for home in map(pathlib.Path, homes):
            os.chmod(home, 0o711)
            for path in home.iterdir():
                os.chown(path, uid, -1)

    def fill(self):
        self.start()
        # what was published to intern audiences came now; history came before it
        self.sql("UPDATE isac.report SET received = now() - interval '370 days'; UPDATE isac.report_key SET received = now() - interval '370 days'")
        homes = self.told["homes"]
        self.own(homes, (self.hub.folder / "pg").stat().st_uid)
        end = int(time.time() * 1e6) - 60 * 10**6
        parts, mentions, seconds = max(1, self.wanted // PART), 0, 0
        for n in range(parts):
            got = self.program("fill", self.wanted // parts, self.wanted, *(end - int((1 - at / parts) * 365 * DAY_US) for at in (n, n + 1)), n + 1, *homes)
            mentions, seconds = mentions + got["mentions"], seconds + got["seconds"]
            say(f"{mentions:,} mentions in {got['reports']:,} reports filled in {seconds:.0f} s")
            if (self.folder / "enough").exists():
                break
        self.own(homes, os.getuid())
        self.keep(mentions=mentions, reports=got["reports"], fill_s=seconds)
        self.stop()

    def derive(self):
        """The hub's indexer makes the canonical table and all else out of the reports, as after a restore."""
        start, wanted = time.monotonic(), self.told["reports"]
        first = self.told.get("derive_s", 0)
        self.start()
        while True:
            seq = int(self.sql("SELECT least(c.seq, i.seq) FROM isac.index_cursor c, isac.indicator_cursor i"))
            done = first + time.monotonic() - start
            progress(f"derive: {seq:,} of {wanted:,} reports, {seq * self.told['mentions'] / wanted / done / 1000:.0f} k mentions/s")
            self.keep(derive_s=done)
            if seq >= wanted:
                break
            select.select([], [], [], 2)
        say("vacuum and statistics, as autovacuum would come to it")
        self.sql("VACUUM (ANALYZE)")
        self.keep(derived=True)
        self.stop()

    def flat(self):
        say("the flat table beside it")
        self.sql("SET maintenance_work_mem = '1GB'; SET work_mem = '1GB'; " + FLAT)
        self.sql("VACUUM (ANALYZE, FREEZE) bench.flat")
        self.keep(flat=True)

    # ---- asking ----

    def ask(self, client, question, seconds):
        """us from sending to the whole answer, undecoded; each is looked at afterwards."""
        took, errors, warmed = [], None, 0
        end = time.monotonic() + seconds
        for ask in question.asks[:WARM]:        # goals are for warm caches
            client.request(question.name, ask)
            warmed += 1
            if time.monotonic() > end:
                break
        end = time.monotonic() + seconds
        for ask in question.asks[:warmed] * 50:
            start = time.perf_counter()
            client.send(question.name, ask)
            if not client.zmq.poll(600_000):
                raise RuntimeError(f"no answer: {question.what}")
            frames = client.zmq.recv_multipart()
            took.append((time.perf_counter() - start) * 1e6)
            got = message_of(Head.unpack(frames[0]).type).FromString(frames[1])
            if isinstance(got, pb.Error):
                errors = got
            else:
                self.answers[question.what] = got
            if time.monotonic() > end:
                break
        if errors:
            say(f"{question.what}: {errors.code} {errors.text}")
        return took if not errors else []

    def bare(self, question, seconds, scan=False):
        sql = question.sql.replace("{visible}", f"'{self.visible}'::int[]")
        off = "indexscan bitmapscan indexonlyscan".split() if scan else []
        try:
            if scan:
                self.sql("".join(f"ALTER ROLE postgres SET enable_{name} = off;" for name in off))
            return self.program("ask", seconds, stdin="\n".join([sql, *question.rows[:WARM]]) + "\n")
        finally:
            if scan:
                self.sql("".join(f"ALTER ROLE postgres RESET enable_{name};" for name in off))

    def sample(self, sql):
        return [line.split("|") for line in self.sql(sql).splitlines()]

    def questions(self):
        dice, now_us = random.Random(1), int(time.time() * 1e6)
        may = "seq <= (SELECT seq FROM isac.index_cursor)"
        known = f"SELECT count(*), count(DISTINCT publisher_id), max(confidence), max(seq), max(received) FROM (SELECT * FROM bench.flat WHERE key = $1::uuid AND {may} AND {MAY} ORDER BY seq DESC LIMIT 1000) x"
        some = self.sample("SELECT key, value FROM isac.indicator TABLESAMPLE SYSTEM_ROWS(20000)")
        often = self.sample(f"SELECT DISTINCT ON (m.key) m.key, i.value FROM isac.mention m TABLESAMPLE SYSTEM ({min(100, 3e6 / self.told['mentions']):.4f}) JOIN isac.indicator i ON i.key = m.key LIMIT 20000")
        for rows in (some, often):
            dice.shuffle(rows)
        nets = [row[0] for row in self.sample("SELECT set_masklen(addr, 24)::cidr FROM isac.indicator TABLESAMPLE SYSTEM_ROWS(20000) WHERE type = 1")][:1000]
        domains = [row[0] for row in self.sample("SELECT regexp_replace(value, '^[^.]*\\.', '') FROM isac.indicator TABLESAMPLE SYSTEM_ROWS(20000) WHERE type = 4")][:1000]
        back = ".".join
        times = [now_us - dice.randrange(10, 350) * DAY_US - dice.randrange(86400) * 10**6 for _ in range(200)]

        def stamp(t):
            return datetime.datetime.fromtimestamp(t / 1e6, datetime.timezone.utc).isoformat()

        def key(text):
            return bytes.fromhex(text.replace("-", ""))

        def page(what, asks, where, rows, **kw):
            return Question(what, "QUERY", asks, PAGE.replace("{where}", where), rows, **kw)
        yield Question("round trip: DIRECTORY of nobody", "DIRECTORY", [pb.Directory(members=["nobody"])] * 20000)
        yield Question("exact: LOOKUP of any value", "LOOKUP", [pb.Lookup(keys=[key(k)]) for k, _ in some], known, [k for k, _ in some])
        yield Question("exact: LOOKUP of often reported ones", "LOOKUP", [pb.Lookup(keys=[key(k)]) for k, _ in often], known, [k for k, _ in often])
        yield page("exact: QUERY value =", [pb.Query(filter=f'value = "{v}"') for _, v in some], "key = $1::uuid", [k for k, _ in some])
        yield page("a network: QUERY value in /24", [pb.Query(filter=f"value in {n}") for n in nets],
                   "addr >= $1::inet AND addr <= broadcast($1::inet)", nets)
        wide = sorted({re.sub(r"\.\d+\.\d+/24$", ".0.0/16", n) for n in nets})
        yield page("a network: QUERY value in /16", [pb.Query(filter=f"value in {n}") for n in wide],
                   "addr >= $1::inet AND addr <= broadcast($1::inet)", wide)
        yield page("a suffix: QUERY value under domain", [pb.Query(filter=f"value under {d}") for d in domains],
                   "rdom >= $1 AND rdom < $2", [back(reversed(d.split("."))) + ".\t" + back(reversed(d.split("."))) + "/" for d in domains])
        yield page("an hour of history, newest 100", [pb.Query(since_us=t, until_us=t + 3600 * 10**6) for t in times],
                   "received >= $1::timestamptz AND received < $2::timestamptz", [f"{stamp(t)}\t{stamp(t + 3600 * 10**6)}" for t in times])
        mixed = 'type = ipv4 and confidence >= 80 and (tag = "c2" or country = "DE") and not tag = "tor"'
        where = "type = 1 AND confidence >= 80 AND ('c2' = ANY (tags) OR country = 'DE') AND NOT 'tor' = ANY (tags)"
        yield page("a mix of and, or, not: a day", [pb.Query(filter=mixed, since_us=t, until_us=t + DAY_US) for t in times],
                   where + " AND received >= $1::timestamptz AND received < $2::timestamptz", [f"{stamp(t)}\t{stamp(t + DAY_US)}" for t in times])
        yield page("the same, all of history", [pb.Query(filter=mixed)] * 200, where + " AND $1::int = 1", ["1"])
        asns = [str(64500 + n) for n in (700, 1500, 3000, 9000, 20000)]
        yield page("a rare mix: an AS seldom seen, confidence > 90", [pb.Query(filter=f"asn = {n} and confidence > 90") for n in asns] * 4,
                   "asn = $1::bigint AND confidence > 90", asns)
        yield Question(f"bulk: LOOKUP of {AT_ONCE}", "LOOKUP", [pb.Lookup(keys=[key(k) for k, _ in some[n:n + AT_ONCE]]) for n in range(0, len(some) - AT_ONCE + 1, AT_ONCE)] * 20,
                       "SELECT k.key, count(*), count(DISTINCT x.publisher_id), max(x.confidence), max(x.seq), max(x.received) FROM unnest($1::uuid[]) k(key) CROSS JOIN LATERAL (SELECT * FROM bench.flat f "
                       f"WHERE f.key = k.key AND {MAY} ORDER BY seq DESC LIMIT 1000) x GROUP BY 1",
                       ["{" + ",".join(k for k, _ in some[n:n + AT_ONCE]) + "}" for n in range(0, len(some) - AT_ONCE + 1, AT_ONCE)], scan=False)
        yield Question("RELATED of a value", "RELATED", [pb.Related(type=1, value=v) for _, v in often if re.fullmatch(r"[\d.]+", v)][:1000])
        for number, name, days in [(n, name, days) for days in (30, 364) for n, name in enumerate(STATISTICS, 1)]:
            since = now_us - days * DAY_US
            sql = {1: "SELECT count(*), count(DISTINCT key), count(DISTINCT seq), count(DISTINCT publisher_id) FROM bench.flat WHERE received >= $1::timestamptz AND " + MAY,
                   3: "SELECT type, count(*), count(DISTINCT key), count(DISTINCT seq), count(DISTINCT publisher_id) FROM bench.flat WHERE received >= $1::timestamptz AND " + MAY
                      + " GROUP BY GROUPING SETS ((type), ())",
                   8: "WITH f AS (SELECT DISTINCT key, publisher_id FROM bench.flat WHERE received >= $1::timestamptz AND " + MAY + ") "
                      "SELECT a.publisher_id, b.publisher_id, count(*) FROM f a JOIN f b ON a.key = b.key AND b.publisher_id >= a.publisher_id GROUP BY 1, 2"}.get(number, "")
            yield Question(f"a {'month' if days == 30 else 'year'}: STATISTICS, {name}", "STATISTICS", [pb.Statistics(question=number, since_us=since)] * 2, sql, [stamp(since)], scan=False)

    def visible_audiences(self):
        return "{" + self.sql("SELECT string_agg(id::text, ',') FROM isac.audience WHERE groups = '{}' AND recipients = '{}'") + "}"

    def measure(self, seconds, only, scan):
        self.answers, lines = {}, []
        self.sql("CREATE EXTENSION IF NOT EXISTS tsm_system_rows")
        self.visible = self.visible_audiences()
        with Client(bundle.Home(pathlib.Path(self.told["reader"])), self.hub.request_endpoint) as client:
            for question in self.questions():
                if only and not re.search(only, question.what):
                    continue
                hub = self.ask(client, question, seconds)
                bare = self.bare(question, seconds) if question.sql and self.told.get("flat") else []
                slow = self.bare(question, 0, scan=True) if scan and bare and question.scan else []
                lines.append((question, hub, bare, slow))
                self.print_line(*lines[-1])
        return lines

    @staticmethod
    def print_line(question, hub, bare, slow):
        cells = [question.what]
        for took in (hub, bare):
            cells.append("{} / {} ({})".format(*map(us, quantiles(took))) if took else "-")
        cells.append(f"{statistics.median(hub) / statistics.median(bare):.2f}" if hub and bare else "-")
        cells.append(us(statistics.median(slow)) if slow else "-")
        print("| " + " | ".join(cells) + " |", flush=True)

    # ---- sizes, ingest, life, who, retention ----

    def sizes(self):
        said = self.told["mentions"]
        rows = self.sample("SELECT regexp_replace(c.relname, '_[0-9]{4,}$', ''), sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid)) FROM pg_class c "
                           "JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'isac' AND relkind = 'r' GROUP BY 1 HAVING sum(pg_total_relation_size(c.oid)) > 1e6 ORDER BY 2 DESC")
        values = int(self.sql("SELECT count(*) FROM isac.indicator"))
        parts = [f"{name} {int(table) / said:.0f} + {int(index) / said:.0f}" for name, table, index in rows]
        total = sum(int(table) + int(index) for _, table, index in rows)
        print(f"| bytes a mention on disk, table + its indexes | {total / said:.0f}: {', '.join(parts)}; {values:,} values, {self.told['reports']:,} reports |", flush=True)

    def ingest(self, what, rounds, reports=3000):
        rates = []
        for n in range(rounds + 1):
            self.keep(next=self.told.get("next", 10**7) + reports)
            argv = [self.bin / "isac_bench_load", "--hub", self.hub.request_endpoint, "--reports", reports, "--items", 100, "--first", self.told["next"], "--indexed", *self.told["homes"]]
            got = stages.Program(argv).ready().go().result()
            if n:           # the first warms the caches
                rates.append((got["items"] / got["seconds"], got["items"] / got["indexed_seconds"]))
        burst, indexed = (statistics.median(column) for column in zip(*rates))
        print(f"| ingest, 100 items a report, with {what} mentions there: receipted / indexed, items/s | {burst:,.0f} / {indexed:,.0f} "
              f"({', '.join(f'{a / 1000:.0f} k / {b / 1000:.0f} k' for a, b in rates)}) |", flush=True)

    def who(self, seconds):
        """WHO for reports that lie in some hundred of many stretches of deliveries."""
        self.sql(f"""TRUNCATE isac.feed_range; INSERT INTO isac.feed_range (member_id, session, name, filter, compiled, roles, groups, nets, asns, domains, from_seq, until_seq, maybe_seq,
            opened, closed) SELECT m.id, g, '', 'tag = "c2"', now(), 2, '{{}}', '{{}}', '{{}}', '{{}}', s, s + h.seq / 1000, s, now(), now()
            FROM isac.hub_head h, isac.member m, generate_series(1, {RANGES}) g, LATERAL (SELECT (h.seq * (hashint4(g) & 65535)::float / 65536)::bigint AS s) x
            WHERE m.name = 'reader'; ANALYZE isac.feed_range""")
        ids = self.sample("SELECT r.report_id FROM isac.report r JOIN isac.member m ON m.id = r.publisher_id WHERE m.name = 'p0' AND r.seq % 97 = 0 LIMIT 500")
        with Client(bundle.Home(pathlib.Path(self.told["homes"][0])), self.hub.request_endpoint) as client:
            question = Question(f"WHO got a report, {RANGES:,} rows of feed_range", "WHO", [pb.Who(report_id=bytes.fromhex(i[0].replace("-", ""))) for i in ids])
            self.print_line(question, self.ask(client, question, seconds), [], [])

    def held(self):
        with Client(bundle.Home(self.hub.folder / "admin"), self.hub.request_endpoint) as client:
            waiting = self.sql("SELECT count(*) FROM isac.held WHERE state = 'open'")
            question = Question(f"held list, {waiting} items wait", "CONTROL", [client.command("held.list", []) for _ in range(5)])
            self.print_line(question, self.ask(client, question, 4), [], [])

    def ends(self, seconds):
        """What the hub itself asks each second while somebody listens: which items have ended. By the server's log of durations."""
        log = self.hub.folder / "pg/postgres.log"
        at = log.stat().st_size
        self.sql("ALTER SYSTEM SET log_min_duration_statement = 0")
        self.sql("SELECT pg_reload_conf()")
        with Feed(bundle.Home(pathlib.Path(self.told["reader"])), self.hub.feed_endpoint) as feed:
            assert isinstance(feed.subscribe(**{"from": pb.Subscribe.FROM_NOW, "filter": 'tag = "c2"'}), pb.Subscribed)
            took = hubs.until("looks for what has ended", lambda: (lambda found: found if len(found) >= 2 + seconds else None)(
                re.findall(r"duration: ([0-9.]+) ms  execute select_over", log.read_text(errors="replace")[at:])), seconds=60 + 30 * seconds)
        self.sql("ALTER SYSTEM RESET log_min_duration_statement")
        self.sql("SELECT pg_reload_conf()")
        self.print_line(Question("what has ended since the last second (the server's time)", "", []), [float(ms) * 1000 for ms in took], [], [])

    def drop(self):
        """The oldest partition by the hub's own function, as retention's slice does it."""
        part, last = self.sample("SELECT part, last_seq FROM isac.retention_plan((SELECT seq FROM isac.hub_head)) LIMIT 1")[0]
        size = int(self.sql(f"SELECT bytes FROM isac.retention_plan({int(last) + 1})"))
        start = time.monotonic()
        self.sql(f"SELECT isac.retention_drop({int(last) + 1})")
        print(f"| dropping the oldest partition of report, mention and concern ({size / 1e9:.2f} GB) | {(time.monotonic() - start) * 1000:.0f} ms |", flush=True)
        start, calls = time.monotonic(), 0
        while calls < 200 and self.sql("SET LOCAL work_mem = '4MB'; SELECT isac.indicator_sweep(1000)") == "t":
            calls += 1
        took = time.monotonic() - start
        print(f"| then 1,000 rows of indicator made true again | {took / max(1, calls) * 1000:.1f} ms a call, {calls} calls |", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="run.sh history")
    parser.add_argument("--mentions", type=int, default=10_000_000)
    parser.add_argument("--data", type=pathlib.Path, help="keep everything here, and go on from what is there; default: a folder that goes")
    parser.add_argument("--fill", action="store_true", help="fill and derive only")
    parser.add_argument("--no-flat", action="store_true", help="no second copy of the data: the hub's side only")
    parser.add_argument("--no-scan", action="store_true", help="without the scans")
    parser.add_argument("--only", default="", help="questions whose name has this pattern in it, and nothing else")
    parser.add_argument("--seconds", type=int, default=4, help="for each question and side")
    parser.add_argument("--ingest", type=int, default=0, metavar="ROUNDS", help="ingest, too; before the fill with nothing there")
    parser.add_argument("--drop", action="store_true", help="at the end: drop the oldest partition")
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if not args.data:
            args.data = pathlib.Path(tempfile.mkdtemp(prefix="isac-history-"))
            stack.callback(shutil.rmtree, args.data, ignore_errors=True)
        history = History(args.data, args.mentions)
        stack.callback(history.close)
        run(history, args)


def run(history, args):
    start = time.monotonic()
    if "homes" not in history.told:
        history.found()
    if "mentions" not in history.told:
        history.fill()
    if "derived" not in history.told:
        history.derive()
    told = history.told
    print(f"\n{told['mentions']:,} mentions: filled in {told['fill_s']:.0f} s ({told['mentions'] / told['fill_s'] / 1000:.0f} k/s), derived by the indexer in {told['derive_s']:.0f} s "
          f"({told['mentions'] / told['derive_s'] / 1000:.0f} k/s)\n", flush=True)
    if args.fill:
        return
    history.start()
    if not args.no_flat and "flat" not in told:
        history.flat()
    if args.ingest:
        history.ingest(f"{told['mentions']:,}", args.ingest)
    if not args.only:
        history.sizes()
    print("\n| question | hub p50 / p99 us (n) | bare, flat and indexed | ratio | scan us |\n|---|---|---|---|---|", flush=True)
    history.measure(args.seconds, args.only, not args.no_scan)
    if not args.only or args.only == "rest":
        history.who(args.seconds)
        history.held()
        history.ends(args.seconds)
    if args.drop:
        history.drop()
    say(f"{time.monotonic() - start:.0f} s in all")


if __name__ == "__main__":
    main()
