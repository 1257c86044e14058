"""A member comes by an invitation, has a quota, is watched over in what it reads, and goes."""
import pytest

import hub as hubs


@pytest.fixture
def hub(tmp_path):
    h = hubs.make(tmp_path).start()
    yield h
    h.finish()


def invite(hub, name, *args, by=None):
    """The invitation's file."""
    path = hub.folder.parent / f"{name}.invitation"
    (by or hub.admin).isac("admin", "member", "invite", name, "--output", path, *args)
    return path


def join(hub, name, path, folder=None, **kw):
    member = hubs.Member(hub, name, hub.folder.parent / f"home-{folder or name}")
    done = member.isac("join", path, **kw)
    return member, done


def state(hub, name):
    return [row["state"] for row in hub.admin.json("admin", "member", "list") if row["name"] == name]


def values(lines):
    return [line["value"] for line in lines if "value" in line]


def test_an_invited_member_brings_its_own_keys(hub):
    soc = hub.enrol("soc", "subscriber")
    path = invite(hub, "alice", "--role", "publisher,subscriber", "--net", "198.51.100.0/24")
    assert path.stat().st_mode & 0o777 == 0o600
    assert state(hub, "alice") == ["invited"]
    alice, _ = join(hub, "alice", path)
    assert state(hub, "alice") == ["active"]
    text = path.read_text()
    for secret in ("sign.key", "curve.key"):
        assert (alice.home / secret).read_text().strip() not in text
    assert alice.publish("198.51.100.7")[0]["code"] == 200
    # Readers follow the chain: admin, invitation, member.
    got = soc.json("subscribe", "--from", "start", "--count", "1")
    assert [(i["publisher"], i["verified"]) for i in got] == [("alice", True)]
    # Asked again, whose answer was lost has joined; nobody else can.
    alice.isac("join", path)
    _, refused = join(hub, "alice", path, folder="thief", ok=(1, 3))
    assert refused.returncode and not (hub.folder.parent / "home-thief/spool").exists()


def test_an_invitation_is_good_for_nothing_else(hub):
    alice, path = hub.enrol("alice"), invite(hub, "bob", "--role", "publisher,subscriber,admin")
    text = dict(line.split(None, 1) for line in path.read_text().splitlines() if " " in line)
    # The invitation's keys as a home: it may neither publish nor read nor enrol.
    guest = hub.keygen("bob", "guest")
    for name, key in (("sign.key", "sign_secret"), ("curve.key", "curve_secret")):
        (guest.home / name).unlink()
        (guest.home / name).write_text(text[key] + "\n")
        (guest.home / name).chmod(0o600)
    from nacl.signing import SigningKey
    seed = SigningKey(bytes.fromhex(text["sign_secret"]))
    lines = (guest.home / "member.pub").read_text().splitlines()
    lines[3] = f"sign_public {seed.verify_key.encode().hex()}"
    body = "".join(line + "\n" for line in lines[:4]).encode()
    signature = seed.sign(b"isac1 6 member 0  %d %s" % (len(body), body)).signature.hex()
    (guest.home / "member.pub").write_text(body.decode() + f"signature {signature}\n")
    guest.isac("query", "true", ok=(1,))
    assert "publisher" in guest.isac("publish", "--tlp", "green", "--format", "plain", stdin="198.51.100.1\n", ok=(1, 4)).stdout
    guest.isac("admin", "member", "list", ok=(1,))
    guest.isac("admin", "member", "suspend", "alice", ok=(1,))
    assert state(hub, "alice") == ["active"] and alice.json("status")
    # Roles cannot be given to who has not joined.
    hub.admin.isac("admin", "member", "role", "bob", "--role", "admin", ok=(1,))
    bob, _ = join(hub, "bob", path)
    assert bob.json("admin", "member", "list")
    guest.isac("status", ok=(3,))


def test_an_invitation_waits_for_the_second_admin_too(hub):
    bea = hub.enrol("bea", "admin")
    path = invite(hub, "alice", "--role", "publisher")
    assert state(hub, "alice") == []
    join(hub, "alice", path, ok=(3,))
    waiting = [row["command_id"] for row in hub.admin.json("admin", "pending", "list") if row["state"] == "waiting"]
    bea.isac("admin", "pending", "approve", *waiting)
    join(hub, "alice", path)
    assert state(hub, "alice") == ["active"]


def test_who_leaves_is_gone_and_what_it_published_stays(hub):
    alice, soc = hub.enrol("alice", "publisher,subscriber", "--net", "198.51.100.0/24"), hub.enrol("soc", "subscriber")
    alice.publish("198.51.100.7")
    alice.json("subscribe", "--name", "s", "--from", "start", "--count", "1")
    alice.isac("leave", "soc", ok=(2,))
    alice.isac("leave", "alice", "--dry-run")
    assert state(hub, "alice") == ["active"]
    alice.isac("leave", "alice")
    assert state(hub, "alice") == ["left"]
    alice.isac("status", ok=(3,))
    got = soc.json("subscribe", "--from", "start", "--count", "1")
    assert [(i["publisher"], i["value"], i["verified"]) for i in got] == [("alice", "198.51.100.7", True)]
    assert not hub.admin.json("admin", "subscription", "list", "alice")
    assert {row["state"] for row in hub.admin.json("space", "list", "alice")} == {"dropped"}
    # Its name stays its own, and nobody lets it in again by mistake.
    hub.admin.isac("admin", "member", "resume", "alice", ok=(1,))
    hub.admin.isac("admin", "member", "add", hub.keygen("alice", "other").home / "member.pub", "--role", "publisher", ok=(1,))
    # The last admin cannot leave.
    assert "last admin" in hub.admin.isac("leave", "admin", ok=(1,)).stderr


def test_an_erased_member_leaves_proof_without_content(hub):
    alice, bob, soc = hub.enrol("alice"), hub.enrol("bob"), hub.enrol("soc", "subscriber")
    for i in range(70):                                              # more than one step
        alice.publish(f"198.51.100.{i + 1}")
    bob.publish("203.0.113.9")
    soc.json("subscribe", "--name", "s", "--from", "start", "--filter", "value in 198.51.100.0/28", "--count", "15")
    bob.json("query", "true", "--wait")
    hub.admin.isac("admin", "member", "erase", "alice")
    hubs.until("all is erased", lambda: hub.admin.json("admin", "recall", "list")[0]["complete"] == "yes", 40)
    assert state(hub, "alice") == ["erased"]
    assert hub.sql("SELECT count(*), count(payload), count(header) FROM isac.report r JOIN isac.member m ON m.id = r.publisher_id "
                   "WHERE m.name = 'alice'").strip() == "70|0|70"
    assert values(bob.json("query", "true")) == ["203.0.113.9"]
    assert hub.sql("SELECT value FROM isac.indicator").split() == ["203.0.113.9"]
    told = [line for line in soc.json("subscribe", "--name", "s", "--idle-exit", "1") if "recall" in line]
    assert len(told) == 15 and {line["publisher"] for line in told} == {"alice"}
    assert values(bob.json("subscribe", "--from", "start", "--idle-exit", "1")) == ["203.0.113.9"]


def test_a_quota_is_one_members_own(hub):
    alice, bob = hub.enrol("alice"), hub.enrol("bob")
    hub.admin.isac("admin", "member", "quota", "alice", "--per-second", "1", "--burst", "2")
    rows = {row["name"]: row["quota"] for row in hub.admin.json("admin", "member", "list")}
    assert rows["alice"] == "1/s,burst 2" and rows["bob"] == ""
    limited = hub.stat("intake.limited")
    for member in (alice, bob):
        got = member.publish(*(f"198.51.100.{i + 1}" for i in range(4)), args=("--batch", "1"))
        assert [r["code"] for r in got] == [200] * 4                 # who is limited waits and sends again
        if member is alice:
            assert hub.stat("intake.limited") > limited
            limited = hub.stat("intake.limited")
    assert hub.stat("intake.limited") == limited
    hub.admin.isac("admin", "member", "quota", "alice")
    assert {row["name"]: row["quota"] for row in hub.admin.json("admin", "member", "list")}["alice"] == ""
    hub.admin.isac("admin", "member", "quota", "alice", "--per-second", "0", ok=(1,))


def test_who_read_what_is_written_down(hub):
    alice, soc, watch = hub.enrol("alice"), hub.enrol("soc", "subscriber"), hub.enrol("watch", "auditor")
    first = alice.publish("198.51.100.7", "198.51.100.8")[0]
    second = alice.publish("203.0.113.9")[0]
    soc.json("query", "value = 198.51.100.7", "--wait")
    soc.json("query", "value = 192.88.99.1")                        # nothing was shown: nothing is written
    soc.json("preview", "--filter", "value in 203.0.113.0/24", "--items", "5")
    alice.json("query", "true")
    rows = [(r["member"], r["what"], r["filter"], r["items"], r["reports"]) for r in watch.json("admin", "read", "list")]
    assert rows == [("alice", "query", "true", "3", "2"), ("soc", "preview", "value in 203.0.113.0/24", "1", "1"),
                    ("soc", "query", "value = 198.51.100.7", "1", "1")]
    assert [r["member"] for r in watch.json("admin", "read", "list", "soc")] == ["soc", "soc"]
    assert [(r["member"], r["what"]) for r in watch.json("admin", "read", "who", first["report_id"])] == [("alice", "query"), ("soc", "query")]
    assert [r["member"] for r in watch.json("admin", "read", "who", second["report_id"])] == ["alice", "soc"]
    # What tells of reports without showing them is written down, too; what told nothing is not.
    soc.json("lookup", "198.51.100.7", "198.51.100.8", "192.88.99.1")
    soc.json("life", "203.0.113.9")
    soc.json("life", "192.88.99.1", ok=(1,))
    soc.json("related", "198.51.100.7")
    soc.json("stats", "--by", "type")
    soc.json("why", first["report_id"])
    soc.json("report", second["report_id"])
    read = lambda: [(r["what"], r["items"], r["reports"]) for r in hub.admin.json("admin", "read", "list", "soc")]
    hubs.until("what was told is written down", lambda: len(read()) == 8)
    assert sorted(read()[:6]) == sorted([("report", "1", "1"), ("why", "1", "1"), ("stats", "2", "0"), ("related", "2", "0"), ("life", "1", "0"),
                                         ("lookup", "2", "0")])
    # However long what was asked is, and in whatever letters.
    for n in range(2):
        url = "https://evil.example/" + "x" * n + "\u00e9" * 1500
        alice.publish(url)
        assert soc.json("life", url, "--wait")[0]["mentions"] == 1
    hubs.until("those, too", lambda: len(read()) == 10)
    asked = {r["what"]: r["filter"] for r in watch.json("admin", "read", "list", "soc")}
    assert asked["related"] == 'ipv4 = "198.51.100.7"' and asked["lookup"].startswith("3 keys: ")
    soc.isac("admin", "read", "list", ok=(1,))


def test_records_go_after_their_days(hub):
    """Those of the reads, of the recalls and of who was sent what; the younger ones stay, and a range that is open."""
    alice, soc = hub.enrol("alice"), hub.enrol("soc", "subscriber")
    receipt = alice.publish("198.51.100.7")[0]
    soc.json("subscribe", "--name", "s", "--from", "start", "--idle-exit", "1")
    soc.json("query", "true", "--wait")
    hub.admin.isac("admin", "report", "erase", receipt["report_id"])
    counts = "SELECT (SELECT count(*) FROM isac.read_event), (SELECT count(*) FROM isac.recall_sent), (SELECT count(*) FROM isac.feed_range)"
    assert hub.sql(counts).strip() == "1|1|1"
    hub.stop()
    hub.start()
    assert hub.sql(counts).strip() == "1|1|1"                        # none is of age
    hub.sql("UPDATE isac.recall SET at = at - interval '399 days'")
    hub.sql("INSERT INTO isac.read_event (at, member_id, what, filter, items, seqs) SELECT now() - interval '401 days', member_id, what, filter, "
            "items, seqs FROM isac.read_event, generate_series(1, 5000)")
    hub.sql("UPDATE isac.feed_range SET closed = closed - interval '3000 days', until_seq = 0, maybe_seq = 0")
    hub.stop()
    hub.start()
    hubs.until("the reads have gone, in steps, but the young one", lambda: hub.sql(counts).startswith("1|"))
    assert hub.sql(counts).strip() == "1|1|0"                        # of no report that is there: nobody can ask for it
    hub.sql("UPDATE isac.recall SET at = at - interval '2 days'")
    hub.stop()
    hub.start()
    hubs.until("the recall's receivers have gone", lambda: hub.sql(counts).strip() == "1|0|0")
    assert [r["sent"] for r in hub.admin.json("admin", "recall", "list")] == ["0"]
