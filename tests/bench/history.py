"""A history of realistic shape, written straight into the store by COPY, and questions about it: through the hub beside bare SQL.

`history.py [MENTIONS]` (1,000,000): reports of 1 to 100 items by 40 publishers over a year, in bursts; half of the mentions are of values that
few report, the rest have a heavy tail. Reports have a payload of zero bytes: they count, and cannot be shown, so LOOKUP, RELATED and STATISTICS are
asked, and not QUERY. Bare: the same SQL's core, prepared, by pgbench; the hub's: one question outstanding through CURVE.
"""
import hashlib
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/story"), str(ROOT / "tests/python")]
import hub as hubs  # noqa: E402
from isac1 import bundle  # noqa: E402
from isac1.client import Client  # noqa: E402
from isac1.messages import pb  # noqa: E402

PUBLISHERS, YEAR_S, BASE = 40, 365 * 86400, 1_000_000
IPV4 = 1


def address(n):
    return f"{93 + n // 16777216}.{n // 65536 % 256}.{n // 256 % 256}.{n % 256}"


def key_of(value):
    return hashlib.blake2b(bytes([IPV4]) + value.encode(), digest_size=32).digest()[:16]


def rows(mentions, now):
    """COPY text of report, mention and indicator."""
    dice, seq, done, at, seen = random.Random(5), 0, 0, now - YEAR_S, {}
    reports, said = [], []
    step = YEAR_S / (mentions / 20)
    while done < mentions:
        seq += 1
        at += dice.expovariate(1 / step) if dice.random() < 0.1 else step * 0.05 * dice.random() + 1e-6      # bursts, then quiet
        at = min(at, now - 60)
        items = min(int(dice.paretovariate(0.7)), 100, mentions - done)
        who = min(int(dice.paretovariate(0.6)), PUBLISHERS) + 1
        stamp = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(at))
        reports.append(f"{seq}\t{stamp}\t{stamp}\t{who}\t1\t{items}\t1\t2\t{seq:032x}\t\\\\x00\t\\\\x00\t\\\\x00\t\\\\x00\t\\N\t\\\\x00\n")
        values = {int(dice.paretovariate(0.5)) % 5_000_000 if dice.random() < 0.5 else BASE * 5 + dice.randrange(mentions) for _ in range(items)}
        for item, n in enumerate(values):
            first = seen.get(n)
            seen[n] = (first[0] if first else seq, seq, first[2] + 1 if first else 1)
            said.append(f"{key_of(address(n)).hex()}\t{seq}\t{who}\t{item}\t1\t{dice.randrange(101)}\tf\t{{}}\n")
        done += len(values)
    known = [f"{key_of(address(n)).hex()}\t{a}\t{b}\t{m}\t1\t{address(n)}\t{address(n)}\t{{1}}\n" for n, (a, b, m) in seen.items()]
    return seq, reports, said, known, seen


def copy(hub, table, lines):
    folder = hub.folder / "pg"
    argv = ["psql", "-XqAt", "-h", f"/proc/self/fd/{hub.fd}", "-U", "postgres", "isac", "-c", f"SET search_path = isac; COPY {table} FROM STDIN"]
    subprocess.run(argv, input="".join(lines), text=True, check=True, cwd="/", pass_fds=[hub.fd], user=folder.stat().st_uid)


def fill(hub, mentions):
    seq, reports, said, known, seen = rows(mentions, time.time())
    hub.sql(f"INSERT INTO isac.member (name, roles, curve) SELECT 'p' || g, 1, sha256(('p' || g)::bytea) FROM generate_series(1, {PUBLISHERS + 1}) g;"
            f"INSERT INTO isac.audience (digest, tlp, groups, recipients) VALUES ('\\x{'00' * 16}', 2, '{{}}', '{{}}')")
    copy(hub, "report (seq, received, created, publisher_id, audience_id, item_count, kind, tlp, report_id, key_id, signature, leaf, header, held, payload)", reports)
    copy(hub, "mention (key, seq, publisher_id, item, type, confidence, held, tags)", said)
    copy(hub, "indicator (key, first_seq, last_seq, mentions, type, value, addr, publishers)", known)
    hub.sql(f"UPDATE isac.hub_head SET seq = {seq}, received = now(); UPDATE isac.index_cursor SET seq = {seq}; UPDATE isac.indicator_cursor SET seq = {seq};"
            "ANALYZE isac.report; ANALYZE isac.mention; ANALYZE isac.indicator")
    return len(said), [address(n) for n in seen]


def bare(hub, sql, seconds=4):
    """us of one prepared statement after the other on one connection, by pgbench's log."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "q.sql").write_text(sql + "\n")
        subprocess.run(["chmod", "-R", "a+rwx", folder], check=True)
        subprocess.run(["pgbench", "-n", "-M", "prepared", "-c1", "-T", str(seconds), "-l", "--log-prefix", f"{folder}/log", "-f", f"{folder}/q.sql",
                        "-h", f"/proc/self/fd/{hub.fd}", "-U", "postgres", "isac"], check=True, cwd="/", pass_fds=[hub.fd],
                       user=(hub.folder / "pg").stat().st_uid, capture_output=True)
        return [int(line.split()[2]) for file in path.glob("log*") for line in file.read_text().splitlines()]


def asked(client, name, asks, seconds=4):
    took, end = [], time.monotonic() + seconds
    for ask in asks:
        start = time.perf_counter()
        got = client.request(name, ask)
        took.append((time.perf_counter() - start) * 1e6)
        assert not isinstance(got, pb.Error), got
        if time.monotonic() > end:
            break
    return took


def line(what, took):
    took = sorted(took)
    print(f"{what:44} n={len(took):6} p50={statistics.median(took):10.0f} us  p99={took[int(len(took) * 0.99)]:10.0f} us", flush=True)


def main(mentions):
    hub = hubs.make(tempfile.mkdtemp(prefix="isac-history-"), ["rate_reports_per_s=1000000", "rate_burst=1000000"]).start()
    hub.fd = os.open(hub.folder / "pg", os.O_RDONLY | os.O_DIRECTORY)
    try:
        start = time.monotonic()
        reader = hub.enrol("reader", "subscriber")
        said, values = fill(hub, mentions)
        port = hub.port
        hub.stop(expect=None)
        hub.start(port=port)
        os.close(hub.fd)
        hub.fd = os.open(hub.folder / "pg", os.O_RDONLY | os.O_DIRECTORY)
        print(f"{said} mentions of {len(values)} values, filled in {time.monotonic() - start:.0f} s")
        size = hub.sql("SELECT sum(pg_total_relation_size(c.oid)) FILTER (WHERE relname LIKE 'mention%'), sum(pg_total_relation_size(c.oid)) FILTER (WHERE relname = 'indicator') "
                       "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'isac' AND relkind = 'r'").strip().split("|")
        print(f"bytes a mention: {int(size[0]) / said:.0f} in mention with its indexes, {int(size[1]) / said:.0f} in indicator")
        dice = random.Random(1)
        pick = [key_of(dice.choice(values)) for _ in range(20000)]
        hub.sql("CREATE TABLE isac.pick (n integer PRIMARY KEY, key uuid); INSERT INTO isac.pick SELECT row_number() OVER (ORDER BY md5(key::text)), key "
                "FROM isac.indicator ORDER BY md5(key::text) LIMIT 20000; ANALYZE isac.pick")
        one = ("\\set n random(1, 20000)\nSELECT count(*), max(m.seq) FROM isac.pick k JOIN isac.mention m ON m.key = k.key JOIN isac.report r ON r.seq = m.seq "
               "WHERE k.n = :n AND NOT m.held AND r.audience_id = 1;")
        with Client(bundle.Home(reader.home), hub.request_endpoint) as client:
            line("CURVE round trip: DIRECTORY of one name", asked(client, "DIRECTORY", [pb.Directory(members=["nobody"])] * 20000))
            line("exact: LOOKUP of one key", asked(client, "LOOKUP", [pb.Lookup(keys=[k]) for k in pick]))
            line("exact: bare, prepared, keys in turn", bare(hub, one))
            line("bulk: LOOKUP of 1000 keys", asked(client, "LOOKUP", [pb.Lookup(keys=pick[n:n + 1000]) for n in range(0, 20000, 1000)] * 3))
            line("RELATED of an address", asked(client, "RELATED", [pb.Related(type=IPV4, value=dice.choice(values)) for _ in range(500)]))
            for number, name in enumerate(("total", "day", "type", "publisher", "country", "asn", "score cards", "overlap"), 1):
                since = int((time.time() - YEAR_S) * 1e6)
                line(f"a year: STATISTICS, {name}", asked(client, "STATISTICS", [pb.Statistics(question=number, since_us=since)] * 2, 1))
    finally:
        hub.finish()
        hubs.forget_template()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
