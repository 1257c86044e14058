"""Governance: what one admin asks for and two decide."""
import pytest

import hub as hubs


@pytest.fixture
def hub(tmp_path):
    h = hubs.make(tmp_path).start()
    yield h
    h.finish()


def second_admin(hub, name="bea"):
    """Enrolled by the first one alone: until then there was nobody else to ask."""
    return hub.enrol(name, "admin")


def ask(admin, *args, **kw):
    """A command that waits; its id."""
    rows = admin.json("admin", *args, **kw)
    assert [row["state"] for row in rows] == ["waiting"]
    return rows[0]["command_id"]


def names(hub):
    return {row["name"] for row in hub.admin.json("admin", "member", "list")}


def states(hub):
    return {row["command_id"]: row["state"] for row in hub.admin.json("admin", "pending", "list")}


def test_two_admins_enrol_together(hub):
    bea = second_admin(hub)
    alice = hub.keygen("alice")
    waiting = ask(hub.admin, "member", "add", alice.home / "member.pub", "--role", "publisher,subscriber")
    assert "alice" not in names(hub)
    alice.isac("status", ok=(3,))
    # What the second admin signs is shown from its bytes.
    shown = bea.json("admin", "pending", "show", waiting)[0]
    assert (shown["verb"], shown["member"], shown["state"]) == ("member.add", "admin", "waiting")
    assert {a["name"]: a["value"] for a in shown["args"]}["bundle"] == (alice.home / "member.pub").read_text()
    # Who asked cannot be the second one, however often it asks.
    again = hub.admin.isac("admin", "pending", "approve", waiting)
    assert "waits" in again.stderr and "alice" not in names(hub)
    said = bea.isac("admin", "pending", "approve", waiting).stderr
    assert "name alice" in said and "done" in said
    assert "alice" in names(hub) and states(hub)[waiting] == "done"
    assert alice.publish("198.51.100.1")[0]["code"] == 200
    # Readers believe the key: the first signature is its certificate.
    assert [i["verified"] for i in alice.json("query", "value = 198.51.100.1", "--wait")] == [True]
    event = [e for e in hub.admin.json("admin", "event", "list") if e["command_id"] == waiting][0]
    assert (event["member"], event["approved_by"]) == ("admin", "bea")
    assert "done already" in bea.isac("admin", "pending", "approve", waiting).stderr


def test_a_rejected_command_never_comes_back(hub):
    bea = second_admin(hub)
    mallory = hub.keygen("mallory")
    waiting = ask(hub.admin, "member", "add", mallory.home / "member.pub", "--role", "admin")
    bea.isac("admin", "pending", "reject", waiting)
    assert states(hub)[waiting] == "rejected"
    for who in (hub.admin, bea):
        assert "rejected" in who.isac("admin", "pending", "approve", waiting, ok=(1,)).stderr
    assert "mallory" not in names(hub)
    bea.isac("admin", "pending", "reject", waiting, ok=(1,))


def test_what_shuts_out_needs_one_and_gains_nothing(hub):
    """A stolen admin key: the other admin shuts it out alone, and what it had asked for dies with it."""
    bea = second_admin(hub)
    waiting = ask(bea, "member", "add", hub.keygen("mallory").home / "member.pub", "--role", "publisher")
    hub.admin.isac("admin", "member", "suspend", "bea")
    bea.isac("admin", "pending", "list", ok=(1, 3))
    refused = hub.admin.isac("admin", "pending", "approve", waiting, ok=(1,))
    assert "may not do it any more" in refused.stderr
    # Suspending the other one does not make it the only one.
    ask(hub.admin, "member", "add", hub.keygen("carol").home / "member.pub", "--role", "publisher")
    ask(hub.admin, "member", "resume", "bea")
    assert names(hub) == {"admin", "bea"}
    # The way out, for who has the machine: another number of admins from which approval is asked for.
    hub.stop()
    hub.settings = ["approval_admins=0"]
    hub.start()
    hub.admin.isac("admin", "member", "resume", "bea")
    assert bea.json("admin", "pending", "list")


def test_one_signature_is_not_two(hub):
    """The same admin with two keys is one admin."""
    bea = second_admin(hub)
    other = hub.keygen("bea", "bea-new")
    (other.home / "curve.key").unlink()
    (other.home / "curve.key").write_bytes((bea.home / "curve.key").read_bytes())
    (other.home / "curve.key").chmod(0o600)
    waiting = ask(hub.admin, "key", "add", "bea", other.home / "member.pub")
    bea.isac("admin", "pending", "approve", waiting)
    mallory = hub.keygen("mallory")
    waiting = ask(bea, "member", "add", mallory.home / "member.pub", "--role", "publisher")
    assert "waits" in other.isac("admin", "pending", "approve", waiting).stderr
    assert "mallory" not in names(hub)
    hub.admin.isac("admin", "pending", "approve", waiting)
    assert "mallory" in names(hub)


def test_only_an_admin_approves(hub):
    second_admin(hub)
    watch = hub.keygen("watch")
    waiting = ask(hub.admin, "member", "add", watch.home / "member.pub", "--role", "auditor")
    bea = hubs.Member(hub, "bea", hub.folder.parent / "home-bea")
    bea.isac("admin", "pending", "approve", waiting)
    waiting = ask(hub.admin, "member", "role", "watch", "--role", "admin")
    assert watch.json("admin", "pending", "show", waiting)[0]["verb"] == "member.role"
    assert "needs one of the roles admin" in watch.isac("admin", "pending", "approve", waiting, ok=(1,)).stderr
    watch.isac("admin", "pending", "reject", waiting, ok=(1,))
    assert states(hub)[waiting] == "waiting"


def test_dry_run_changes_nothing(hub):
    alice = hub.keygen("alice")
    before = hub.admin.json("admin", "event", "list")
    said = hub.admin.isac("admin", "member", "add", alice.home / "member.pub", "--role", "publisher", "--dry-run")
    assert "nothing was changed" in said.stderr
    assert names(hub) == {"admin"} and hub.admin.json("admin", "event", "list") == before
    hub.admin.isac("admin", "member", "add", alice.home / "member.pub", "--role", "publisher")
    said = hub.admin.isac("admin", "member", "add", alice.home / "member.pub", "--role", "publisher", "--dry-run", ok=(1,))
    assert "exists" in said.stderr
    key = [k for k in hub.admin.json("admin", "key", "list", "alice")][0]["key_id"]
    hub.admin.isac("admin", "key", "revoke", key, "--dry-run")
    assert hub.admin.json("admin", "key", "list", "alice")[0]["revoked_from_seq"] == ""
    assert alice.publish("198.51.100.1")[0]["code"] == 200
