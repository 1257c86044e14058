"""Backup and restore: a copy taken under load is a hub again, with everything that had been acknowledged, and never gives a number away twice."""
import json
import os
import shutil
import threading

import pytest

import wirekit as kit
from feedkit import UNLIMITED, Reader, pour, publisher, reports
from hub import BIN, Hub, Member, run, until
from isac1.messages import pb

FIRST = 300


def feed_hash(member_home, hub, position):
    """The running hash of a feed of everything from the start, as a reader that checks each frame computes it."""
    reader, gaps = Reader(member_home, hub.feed_endpoint, **{"from": pb.Subscribe.FROM_START}), []
    hashes = {}
    while reader.position < position:
        message = reader.take()
        if isinstance(message, pb.Gap):
            gaps.append((message.first_seq, message.last_seq, message.reason))
        hashes[reader.position] = reader.feed.session.hash
    reader.close()
    return hashes, gaps, reader.seqs


@pytest.fixture
def source(make_hub):
    hub = make_hub(*UNLIMITED)
    hub.enrol("bob", "subscriber")
    client = publisher(hub)
    pour(client, reports(client.home, 0, FIRST))
    return hub, client


def verified(folder, *args):
    return json.loads(run(BIN / "isacd", "verify", "--data", folder, "--json", *args).stdout)


def test_a_backup_under_load_is_a_hub_again(source, tmp_path):
    hub, client = source
    seqs, stop = [], threading.Event()

    def load():
        n = FIRST
        while not stop.is_set() or n < FIRST + 200:
            seqs.extend(pour(client, reports(client.home, n, 50)).values())
            n += 50

    thread = threading.Thread(target=load)
    thread.start()
    try:
        done = run(BIN / "isacd", "backup", "--data", hub.folder, "--to", tmp_path / "copy", "--with-keys")
    finally:
        stop.set()
        thread.join()
    assert "complete up to report" in done.stdout
    head = max(seqs)
    assert sorted(seqs) == list(range(FIRST + 1, head + 1)) and head > FIRST        # publishing went on
    assert os.stat(tmp_path / "copy" / "keys" / "receipt.key").st_mode & 0o777 == 0o600
    done = run(BIN / "isacd", "restore", "--from", tmp_path / "copy", "--data", tmp_path / "new", "--json")
    report = json.loads(done.stdout)
    assert FIRST <= report["head"] <= head and report["reports"] == report["items"] == report["head"]

    old, _, old_seqs = feed_hash(kit.home_of(hub.members["bob"]), hub, head)
    new = Hub(tmp_path / "new").start()
    try:
        bob = Member(new, "bob", hub.members["bob"].home)
        bob.isac("status")
        after, gaps, new_seqs = feed_hash(kit.home_of(bob), new, report["head"] + 1_000_000)
        assert gaps == [(report["head"] + 1, report["head"] + 1_000_000, 3)]
        assert new_seqs == old_seqs[:report["head"]] == list(range(1, report["head"] + 1))
        replayed = bob.isac("--json", "subscribe", "--from", "start", "--idle-exit", "2")
        assert "restored from a backup" in replayed.stderr and len(replayed.stdout.splitlines()) == report["head"]
        # What the lost hub gave away is not given away again.
        alice = Member(new, "alice", hub.members["alice"].home)
        assert [r["seq"] for r in alice.publish("198.51.100.1")] == [report["head"] + 1_000_001]
        until("found", lambda: bob.json("query", 'value = "198.51.100.1"'))
        assert len(bob.json("query", "", "--limit", "0")) == report["head"] + 1
    finally:
        new.stop()
    again = verified(tmp_path / "new")
    assert again["reports"] == report["head"] + 1 and again["head"] == report["head"] + 1_000_001


def test_a_hub_that_moves_house_has_the_same_feed_to_the_last_bit(source, tmp_path):
    hub, client = source
    hashes, _, _ = feed_hash(kit.home_of(hub.members["bob"]), hub, FIRST)
    at_work = verified(hub.folder)
    assert at_work["head"] == FIRST and bytes.fromhex(at_work["hash"]) == hashes[FIRST] and verified(hub.folder, "--member", "bob") == at_work
    hub.stop()
    assert verified(hub.folder) == at_work
    run(BIN / "isacd", "backup", "--data", hub.folder, "--to", tmp_path / "copy")
    assert not (tmp_path / "copy" / "keys").exists() and not (tmp_path / "copy" / "admin").exists()
    refused = run(BIN / "isacd", "restore", "--from", tmp_path / "copy", "--data", tmp_path / "new", "--advance", "0", ok=(1,))
    assert "--keys" in refused.stderr and not (tmp_path / "new").exists()
    run(BIN / "isacd", "restore", "--from", tmp_path / "copy", "--data", tmp_path / "new", "--advance", "0", "--keys", hub.folder / "keys")
    assert verified(tmp_path / "new") == at_work
    new = Hub(tmp_path / "new").start()
    try:
        assert feed_hash(kit.home_of(Member(new, "bob", hub.members["bob"].home)), new, FIRST)[0][FIRST] == hashes[FIRST]
    finally:
        new.stop()


@pytest.mark.parametrize("part", ["hub.pub", "keys/curve.key", "pg/data/backup_manifest", "pg/data/postgresql.conf"])
def test_an_altered_backup_is_refused(source, tmp_path, part):
    hub, _ = source
    hub.stop()
    run(BIN / "isacd", "backup", "--data", hub.folder, "--to", tmp_path / "copy", "--with-keys")
    with open(tmp_path / "copy" / part, "a") as out:
        out.write("# one line more\n")
    run(BIN / "isacd", "restore", "--from", tmp_path / "copy", "--data", tmp_path / "new", ok=(1,))
    assert not (tmp_path / "new" / "hub.pub").exists()
    run(BIN / "isacd", "run", "--data", tmp_path / "new", ok=(1,))


def test_keys_of_another_hub_are_refused(source, make_hub, tmp_path):
    hub, _ = source
    run(BIN / "isacd", "backup", "--data", hub.folder, "--to", tmp_path / "copy")
    shutil.copytree(hub.folder / "keys", tmp_path / "keys")
    (tmp_path / "keys" / "receipt.key").write_text("11" * 32 + "\n")
    done = run(BIN / "isacd", "restore", "--from", tmp_path / "copy", "--data", tmp_path / "new", "--keys", tmp_path / "keys", ok=(1,))
    assert "not the keys of the hub" in done.stderr


@pytest.mark.parametrize("damage, said", [
    ("UPDATE isac.report SET signature = set_byte(signature, 0, get_byte(signature, 0) # 1) WHERE seq = 7", "report 7: its leaf"),
    ("UPDATE isac.report SET leaf = (SELECT leaf FROM isac.report WHERE seq = 8) WHERE seq = 7", "report 7: its leaf"),
    ("UPDATE isac.report SET payload = set_byte(payload, 40, get_byte(payload, 40) # 1) WHERE seq = 7", "report 7: its bytes"),
    ("UPDATE isac.report SET publisher_id = 1 WHERE seq = 7", "report 7: its key"),
    ("DELETE FROM isac.report WHERE seq = 7", "report 7: it is not there"),
    ("DELETE FROM isac.report WHERE seq = 300", "report 300: it is not there"),
])
def test_verify_finds_each_damage(source, damage, said):
    hub, _ = source
    hub.sql(damage)
    done = run(BIN / "isacd", "verify", "--data", hub.folder, ok=(1,))
    assert said in done.stderr


def test_erased_bodies_still_verify(source):
    hub, _ = source
    hub.sql("UPDATE isac.report SET payload = NULL WHERE seq = 7")
    found = verified(hub.folder)
    assert (found["reports"], found["items"], found["erased"]) == (FIRST, FIRST - 1, 1)
