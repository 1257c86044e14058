"""History says what feeds say: the SQL of random filters, run on PostgreSQL with the hub's own schema, against the oracle.

The oracle (tests/unit/filter/oracle.py) is also what the matcher is compared with, so all three agree. No hub runs here: the schema
is loaded into a cluster of its own, without a port, and psql asks.
"""
import glob
import hashlib
import importlib.util
import json
import os
import pwd
import random
import re
import shutil
import subprocess
import tempfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRIVER = os.path.join(os.environ.get("ISAC_BIN", os.path.join(ROOT, "build/bin")), "unit_filter_to_sql")
FILTERS, ITEMS, SEED = map(int, os.environ.get("ISAC_ORACLE", "600 300 11").split())

spec = importlib.util.spec_from_file_location("oracle", os.path.join(ROOT, "tests/unit/filter/oracle.py"))
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)

FROM = """FROM mention m JOIN indicator i ON i.key = m.key JOIN report r ON r.seq = m.seq
JOIN member p ON p.id = r.publisher_id JOIN audience a ON a.id = r.audience_id
WHERE (r.audience_id = ANY ($1::int[]) OR r.publisher_id = $2::int) AND """


class Cluster:
    def __init__(self):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.dir = tempfile.mkdtemp(prefix="isac-sql-", dir="/tmp")
        self.prefix = []
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.dir, owner.pw_uid, owner.pw_gid)
            self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        self.run("initdb", "-D", self.dir + "/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.run("pg_ctl", "-D", self.dir + "/data", "-w", "-l", self.dir + "/log", "start",
                 "-o", f"-k {self.dir} -c listen_addresses= -c fsync=off -c shared_buffers=16MB -c jit=off")

    def run(self, program, *args):
        subprocess.run(self.prefix + [os.path.join(self.bin, program), *args], check=True, cwd="/", stdout=subprocess.DEVNULL)

    def psql(self, script):
        """Lines of output of a script that must not fail."""
        done = subprocess.run(["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-U", "postgres", "postgres"],
                              input=script, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def stop(self):
        self.run("pg_ctl", "-D", self.dir + "/data", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.dir)


def literal(value):
    if value is None:
        return "NULL"
    return "'" + str(value).replace("'", "''") + "'"


def array(values):
    return literal("{" + ",".join('"' + str(v).replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "}")


def stamp(us):
    return None if us is None else oracle.normal_time(oracle.EPOCH + oracle.timedelta(microseconds=us))


def key_of(item):
    kind = oracle.TYPES.index(item.type)
    return hashlib.blake2b(bytes([kind]) + item.value.encode(), digest_size=32).hexdigest()[:32]


def reversed_host(host):
    return None if host is None else ".".join(reversed(host.split("."))) + "."


def row(table, **columns):
    return f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(columns.values())}) ON CONFLICT DO NOTHING;"


def load(items):
    """The schema, and each item as a report of its own whose seq is 1 + its number. Groups: ids by their order in the oracle."""
    out = ["\\set QUIET on", "SET client_min_messages = warning;", open(ROOT + "/sql/roles.sql").read(), "SET search_path = isac;"]
    for folder in ("migrations", "functions"):
        out += [open(path).read() for path in sorted(glob.glob(f"{ROOT}/sql/{folder}/*.sql"))]
    out += ["CREATE TABLE report_all PARTITION OF report DEFAULT;", "CREATE TABLE mention_all PARTITION OF mention DEFAULT;"]
    out += [row("member_group", id=str(i + 1), name=literal(name)) for i, name in enumerate(oracle.GROUPS)]
    out += [row("member", id=str(i + 1), name=literal(name), roles="1", curve=f"'\\x{i:064x}'") for i, name in enumerate(oracle.PUBLISHERS)]
    audiences = {}
    for n, item in enumerate(items):
        groups = tuple(sorted(oracle.GROUPS.index(g) + 1 for g in item.groups))
        audience = audiences.setdefault((item.tlp, groups), len(audiences) + 1)
        publisher = oracle.PUBLISHERS.index(item.publisher) + 1
        out.append(row("audience", id=str(audience), digest=f"'\\x{audience:032x}'", tlp=str(item.tlp), groups=array(groups), recipients="'{}'"))
        out.append(row("report", seq=str(n + 1), received=literal(stamp(item.received)), created=literal(stamp(item.created)), publisher_id=str(publisher),
                       audience_id=str(audience), item_count="1", kind=str(item.kind), tlp=str(item.tlp), report_id="gen_random_uuid()",
                       key_id="''", signature="''", leaf="''", header="''"))
        if item.type is None:
            continue
        kind, key = oracle.TYPES.index(item.type), key_of(item)
        out.append(row("indicator", key=literal(key), first_seq="1", last_seq="1", mentions="1", type=str(kind), value=literal(item.value),
                       addr=literal(item.net), rdom=literal(reversed_host(item.host)), publishers="'{}'"))
        out.append(row("mention", key=literal(key), seq=str(n + 1), item="0", type=str(kind), publisher_id=str(publisher), held=literal(item.held),
                       first_seen=literal(stamp(item.first_seen)), last_seen=literal(stamp(item.last_seen)), tags=array(item.tags),
                       valid_from=literal(stamp(item.valid_from)), valid_until=literal(stamp(item.valid_until)), asn=literal(item.asn),
                       confidence=literal(item.confidence), severity=literal(item.severity), country=literal(item.country),
                       raw=literal(item.raw)))
    out.append("ANALYZE;")
    return "\n".join(out)


def translate(filters):
    done = subprocess.run([DRIVER, "--print"], input="\n".join(filters) + "\n", capture_output=True, text=True, encoding="utf-8", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [[bytes.fromhex(part).decode() for part in line.split("\t")] for line in done.stdout.splitlines()]


def ask(condition, params, select="string_agg(m.seq::text, ',' ORDER BY m.seq)", audiences=range(1, 500), me=0, explain=""):
    values = ", ".join([array(audiences), literal(me)] + [literal(p) for p in params])
    return (f"PREPARE f AS SELECT {select} {FROM} ({condition});\n{explain} EXECUTE f ({values});\nDEALLOCATE f;\n")


@pytest.fixture(scope="module")
def items():
    rnd = random.Random(SEED)
    return [oracle.Item(rnd) for _ in range(ITEMS)]


@pytest.fixture(scope="module")
def cluster(items):
    if not glob.glob("/usr/lib/postgresql/*/bin/initdb"):
        pytest.skip("no PostgreSQL server here")
    one = Cluster()
    try:
        one.psql(load(items))
        yield one
    finally:
        one.stop()


def test_sql_and_oracle_agree(cluster, items):
    rnd = random.Random(SEED + 1)
    trees = [oracle.make_tree(rnd, rnd.choice([0, 1, 2, 3, 4])) for _ in range(FILTERS)]
    filters = [oracle.spell(rnd, tree) for tree in trees]
    script = ["SET search_path = isac;"] + [ask(condition, params) for condition, *params in translate(filters)]
    answers = cluster.psql("\n".join(script))
    assert len(answers) == FILTERS
    said = 0
    full = (1 << len(items)) - 1
    for tree, text, answer in zip(trees, filters, answers):
        bits = oracle.evaluate(tree, items, full)
        want = [n + 1 for n, item in enumerate(items) if bits >> n & 1 and item.type is not None]
        assert [int(seq) for seq in answer.split(",") if seq] == want, text
        said += bool(want)
    assert FILTERS // 4 < said < FILTERS


def test_counts_tell_nothing_of_what_one_may_not_see(cluster, items):
    """publishers and sightings: only of reports whose audience is given, or of one's own."""
    seen = {}
    audiences = {}
    for n, item in enumerate(items):
        audience = audiences.setdefault((item.tlp, tuple(sorted(oracle.GROUPS.index(g) + 1 for g in item.groups))), len(audiences) + 1)
        if item.type is not None:
            seen.setdefault((item.type, item.value), []).append((n + 1, oracle.PUBLISHERS.index(item.publisher) + 1, audience, item.held))
    half = set(range(1, len(audiences) + 1, 2))
    for me in (0, 1):
        for field, least in (("publishers", 2), ("publishers", 3), ("sightings", 2), ("sightings", 4)):
            (condition, *params), = translate([f"{field} >= {least}"])
            answer, = cluster.psql("SET search_path = isac;" + ask(condition, params, audiences=half, me=me))
            want = []
            for mentions in seen.values():
                visible = [(seq, publisher, held) for seq, publisher, audience, held in mentions if audience in half or publisher == me]
                counted = [publisher for _, publisher, held in visible if not held]
                want += [seq for seq, _, _ in visible if len(set(counted) if field == "publishers" else counted) >= least]
            assert [int(seq) for seq in answer.split(",") if seq] == sorted(want)
            assert want


def test_indexes_serve_keys_networks_and_domains(cluster):
    """By the filter's own condition, in a history large enough for an index to pay. The last test here: it adds rows."""
    cluster.psql("""SET search_path = isac;
        INSERT INTO indicator (key, first_seq, last_seq, mentions, type, value, addr, rdom, publishers)
            SELECT md5(n::text)::uuid, 1, 1, 1, 1 + n % 19, 'filler ' || n, '100.0.0.0'::inet + n, 'com.filler' || n || '.', '{}'
            FROM generate_series(1, 30000) n;
        INSERT INTO report (seq, received, created, publisher_id, audience_id, item_count, kind, tlp, report_id, key_id, signature, leaf, header)
            SELECT 1000 + n, now(), now(), 1, 1, 100, 1, 1, gen_random_uuid(), '', '', '', '' FROM generate_series(1, 300) n;
        INSERT INTO mention (key, seq, item, type, publisher_id, held, tags)
            SELECT md5(n::text)::uuid, 1001 + n / 101, n % 101, 1 + n % 19, 1, false, '{}' FROM generate_series(1, 30000) n;
        ANALYZE;""")
    asked = {"type = domain and value = evil.example": r"^\(key = '", "value = evil.example": r"^\(key = ANY",
             "value in (a.example, b.example)": r"^\(key = ANY", "value in 203.0.113.0/24": r"^\(\(?addr >=", "value under evil.example": r"^\(\(rdom >="}
    for text, pattern in asked.items():
        (condition, *params), = translate([text])
        plan = cluster.psql("SET search_path = isac; SET plan_cache_mode = force_custom_plan;\n" +
                            ask(condition, params, select="m.seq, m.item", explain="EXPLAIN (FORMAT JSON)"))
        conditions = []

        def walk(node):
            conditions.append(node.get("Index Cond", ""))
            for child in node.get("Plans", []):
                walk(child)
        walk(json.loads("\n".join(plan))[0]["Plan"])
        assert any(re.search(pattern, condition) for condition in conditions), (text, conditions)
