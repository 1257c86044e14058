"""What a stranger trips over, and is told before it costs him an hour."""
import shutil

import pytest

import hub as hubs


@pytest.fixture
def hub(tmp_path):
    h = hubs.make(tmp_path).start()
    yield h
    h.finish()


def test_an_address_that_members_are_not_told(hub):
    told = (hub.folder / "hub.pub").read_text().split("address ")[1].split()[0]
    log = hub.log_text()
    assert "address.differs" not in log                               # a free port is nobody's word
    hub.stop()
    (hub.folder / "hub.pub").write_text((hub.folder / "hub.pub").read_text().replace(told, "tcp://192.0.2.1:7400"))
    hub.start(hub.port)
    assert f"hub.pub tells members to connect to tcp://192.0.2.1:7400, but this hub listens at tcp://127.0.0.1:{hub.port}" in hub.log_text()


def test_columns_that_are_not_read_are_named(hub):
    alice = hub.enrol("alice")
    rows = "value,Colour of it,confidence,\x1b[2Jshade\n198.51.100.7,red,80,dark\n"
    done = alice.isac("publish", "--tlp", "green", "--format", "csv", stdin=rows)
    assert "columns that are not read: colour_of_it, 2jshade" in done.stderr and "\x1b" not in done.stderr
    known = alice.isac("publish", "--tlp", "green", "--format", "csv", stdin="value,confidence\n198.51.100.8,80\n")
    assert "not read" not in known.stderr


def test_a_new_home_with_another_connection_key(hub, tmp_path):
    """keygen makes both keys, and only the signing key is enrolled by key add."""
    alice = hub.enrol("alice")
    new = hub.keygen("alice", tmp_path / "new")
    (row,) = hub.admin.json("admin", "key", "add", "alice", new.home / "member.pub")
    assert "needs a copy of the old home's curve.key" in row["warning"]
    shutil.copy(alice.home / "curve.key", new.home / "curve.key")
    new.publish("198.51.100.7")


def test_a_lost_connection_key_is_replaced(hub, tmp_path):
    alice, bob = hub.enrol("alice"), hub.enrol("bob")
    old = alice.publish("198.51.100.7")[0]
    (alice.home / "curve.key").unlink()
    new = hub.keygen("alice", tmp_path / "new")
    new.isac("status", "--timeout", "2", ok=(3,))
    assert not hub.admin.json("admin", "key", "add", "alice", new.home / "member.pub", "--curve")
    assert new.json("status")[0]["roles"] and new.publish("198.51.100.8")[0]["code"] == 200
    # What she signed before still verifies, and what is sealed to her from now on she can read.
    assert all(i["verified"] for i in bob.json("query", "publisher = alice", "--wait")) and old["code"] == 200
    red = bob.publish("198.51.100.9", tlp="red", args=("--to", "alice"))[0]
    got = new.json("subscribe", "--from", "start", "--idle-exit", "1")
    assert [i["value"] for i in got if i["report_id"] == red["report_id"]] == ["198.51.100.9"]


def test_a_network_as_a_value():
    hint = "the addresses in it, too: value in 203.0.113.0/24"
    assert hint in hubs.run(hubs.BIN / "isac", "filter", "check", "type = cidr and value = 203.0.113.0/24").stderr
    for other in ("value in 203.0.113.0/24", "value = 203.0.113.1", 'value = "https://evil.example/1"'):
        assert not hubs.run(hubs.BIN / "isac", "filter", "check", other).stderr
