"""Upgrade: a hub with the schema of migration 0013 and data in it is brought up to date in place by the isacd of today."""
import hashlib

import pytest

import wirekit as kit
from feedkit import UNLIMITED, Reader, pour, publisher, reports
from hub import ROOT, run, until
from isac1.messages import pb

COUNT = 120
OLD = ROOT / "tests/data/schema-0013/functions"
# The tables of then, in the order in which they refer to each other.
KEPT = ["admin_event", "member", "member_key", "member_group", "member_group_member", "audience", "report", "report_key", "subscription"]
# What both have; later columns are not of then, and older ones have their defaults.
KEEP = """DO $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(quote_ident(old.column_name), ', ') INTO columns FROM information_schema.columns old
        JOIN information_schema.columns new USING (table_name, column_name)
        WHERE table_name = '{0}' AND old.table_schema = 'kept' AND new.table_schema = 'isac';
    EXECUTE format('INSERT INTO isac.{0} (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM kept.{0}', columns, columns);
END
$$;"""


def old_schema():
    """What isacd of then left behind: migrations up to 0013, its functions, its register."""
    files = [path for path in sorted((ROOT / "sql/migrations").iterdir()) if int(path.name[:4]) <= 13]
    assert len(files) == 13
    yield (ROOT / "sql/roles.sql").read_text()
    yield "SET ROLE isac_owner; SET search_path = isac;"
    yield from (path.read_text() for path in files)
    for path in files:
        yield f"INSERT INTO migration (number, name, digest) VALUES ({int(path.name[:4])}, '{path.name}', '\\x{hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()}');"
    yield from (path.read_text() for path in sorted(OLD.iterdir()))
    yield "RESET ROLE;"


def downgrade(hub, nets):
    """Moves the data of a running hub into a database as of 0013. Nothing derived goes along: the index of then began at 0 as well."""
    script = ["ALTER SCHEMA isac RENAME TO kept;", *old_schema(), "SET search_path = isac;"]
    script += [KEEP.format(table) for table in KEPT]
    for table in ("admin_event", "member", "member_group", "audience"):
        script.append(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {table}), false);")
    script.append("UPDATE hub_head SET (seq, received) = (SELECT seq, received FROM kept.hub_head);")
    script += [f"UPDATE member SET nets = '{{{net}}}' WHERE name = '{name}';" for name, net in nets.items()]
    script.append("DROP SCHEMA kept CASCADE;")
    hub.sql("\n".join(script))


def everything(home, hub):
    reader, frames = Reader(home, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_START}), []
    while reader.position < COUNT:
        frames.append(reader.take())
    reader.close()
    assert not any(isinstance(frame, pb.Gap) for frame in frames)
    return reader.seqs, reader.feed.session.hash


def answers(member):
    return [member.json("query", q, "--limit", "0") for q in ("", "mine", 'value = "93.0.0.7"', "value in 93.0.0.0/27 and publisher = alice")]


@pytest.fixture
def old_hub(make_hub):
    """A hub as the isacd of then left it, stopped; with what it answered."""
    hub = make_hub(*UNLIMITED)
    bob = hub.enrol("bob", "subscriber", "--net", "93.0.0.0/29")
    client = publisher(hub)
    pour(client, reports(client.home, 0, COUNT))
    until("indexed", lambda: len(bob.json("query", "", "--limit", "0")) == COUNT)
    bob.isac("subscribe", "--name", "soc", "--from", "start", "--count", "50")
    before = everything(kit.home_of(bob), hub), answers(bob)
    # The hub's core must not see the database change under it.
    hub.stop()
    return hub, bob, before


def psql_alone(hub, act):
    """With only the embedded PostgreSQL up, as an operator would: isacd's own, started in a folder that has no other process."""
    import os
    import signal
    import subprocess
    pg = hub.folder / "pg"
    user = {"user": pg.stat().st_uid} if os.getuid() == 0 else {}
    version = (pg / "data" / "PG_VERSION").read_text().strip()
    fd = os.open(pg, os.O_RDONLY | os.O_DIRECTORY)
    server = subprocess.Popen([f"/usr/lib/postgresql/{version}/bin/postgres", "-D", f"/proc/self/fd/{fd}/data", "-c", f"unix_socket_directories=/proc/self/fd/{fd}",
                               "-c", "listen_addresses="], cwd="/", pass_fds=[fd], stderr=subprocess.DEVNULL, **user)
    os.close(fd)
    try:
        until("PostgreSQL is ready", lambda: (pg / "data" / "postmaster.pid").exists() and "ready" in (pg / "data" / "postmaster.pid").read_text())
        act()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def test_an_old_hub_answers_as_before(old_hub):
    hub, bob, before = old_hub
    psql_alone(hub, lambda: downgrade(hub, {"bob": "93.0.0.0/29"}))
    for turn in range(2):                        # the second start finds all of it done
        hub.start()
        newest = max(int(path.name[:4]) for path in (ROOT / "sql/migrations").iterdir())
        assert hub.sql("SELECT max(number) FROM isac.migration").strip() == str(newest)
        until("indexed anew", lambda: len(bob.json("query", "", "--limit", "0")) == COUNT)
        assert everything(kit.home_of(bob), hub) == before[0]
        assert answers(bob) == before[1]
        assert hub.sql("SELECT span, from_seq FROM isac.retention").strip() == "10000000|1"
        if turn == 0:
            hub.stop()
    rest = bob.json("subscribe", "--name", "soc", "--idle-exit", "2")
    assert [i["seq"] for i in rest] == list(range(51, COUNT + 1))                                    # the cursor came along
    assert [r["seq"] for r in hub.members["alice"].publish("198.51.100.1")] == [COUNT + 1]
    assert hub.enrol("carol").publish("198.51.100.2")[0]["code"] == 200
