"""A member's own space: claimed, confirmed by somebody else, meant by `mine`, and told about when a report touches it."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

import mmdb
from hub import BIN, SLOW, run, until


@pytest.fixture
def carol(hub):
    return hub.enrol("carol", "subscriber")


def space(member, *args):
    return {(r["kind"], r["value"]): r for r in member.json("space", "list", *args)}


def refused(member, *args):
    done = member.isac(*args, ok=(1,))
    return done.stderr


def claim(owner, second, *what):
    owner.isac("space", "claim", *what)
    second.isac("space", "confirm", owner.name, *what)


def mine(member, *args):
    return sorted(i["value"] for i in member.json("query", "mine", "--wait", *args))


def test_a_claim_takes_effect_once_another_member_confirms_it(hub, alice, bob):
    alice.publish("198.51.100.7", "www.mine.example", "203.0.113.9")
    shown = bob.json("space", "claim", "--net", "198.51.100.0/24", "--domain", "Mine.Example.", "--asn", "AS3320")
    assert {(r["kind"], r["value"], r["state"]) for r in shown} == {
        ("net", "198.51.100.0/24", "pending"), ("domain", "mine.example", "pending"), ("asn", "3320", "pending")}
    assert mine(bob) == []
    assert "nobody confirms its own" in refused(bob, "space", "confirm", "bob", "--net", "198.51.100.0/24")
    assert mine(bob) == []
    assert "has not claimed" in refused(alice, "space", "confirm", "bob", "--net", "198.51.100.0/25")
    alice.isac("space", "confirm", "bob", "--net", "198.51.100.0/24", "--domain", "mine.example")
    assert mine(bob) == ["198.51.100.7", "www.mine.example"]
    assert mine(alice) == []
    one = space(bob)["net", "198.51.100.0/24"]
    assert (one["state"], one["claimed_by"], one["confirmed_by"]) == ("confirmed", "bob", "alice")
    assert one["claimed"].endswith("Z") and one["confirmed"].endswith("Z")
    assert space(bob)["asn", "3320"]["state"] == "pending"


def test_a_live_feed_takes_confirmed_space_up(hub, alice, bob):
    feed = bob.start("subscribe", "--from", "now", "--filter", "mine", "--count", "1")
    until("session open", lambda: hub.stat("feed.sessions") == 1)
    alice.publish("198.51.100.7")
    claim(bob, alice, "--net", "198.51.100.0/24")
    alice.publish("198.51.100.8")
    out, _ = feed.communicate(timeout=30 * SLOW)
    assert [json.loads(line)["value"] for line in out.splitlines()] == ["198.51.100.8"]


def test_what_may_not_be_claimed_says_why(hub, alice):
    for what, why in [(("--net", "10.0.0.0/8"), "special-use"), (("--net", "16.0.0.0/7"), "too wide"), (("--net", "198.51.100.1/24"), "host bits"),
                      (("--domain", "co.uk"), "suffix"), (("--asn", "64500"), "documentation"), ((), "say what")]:
        assert why in refused(alice, "space", "claim", *what), what
    assert space(alice) == {}
    assert "only an admin" in refused(alice, "space", "claim", "--member", "admin", "--asn", "3320")
    assert "only admins and auditors" in refused(alice, "space", "list", "admin")


def test_one_refused_value_stops_the_whole_command(hub, alice, bob):
    refused(alice, "space", "claim", "--net", "198.51.100.0/24", "--domain", "co.uk")
    assert space(alice) == {}
    alice.isac("space", "claim", "--net", "198.51.100.0/24")
    refused(bob, "space", "confirm", "alice", "--net", "198.51.100.0/24", "--asn", "3320")
    assert space(alice)["net", "198.51.100.0/24"]["state"] == "pending"


def test_overlaps_are_for_an_admin(hub, alice, bob, carol):
    claim(alice, bob, "--net", "198.51.100.0/24", "--domain", "mine.example", "--asn", "3320")
    for what in [("--net", "198.51.100.128/25"), ("--net", "198.51.0.0/16"), ("--domain", "sub.mine.example"), ("--asn", "3320")]:
        bob.isac("space", "claim", *what)
        assert "overlaps" in refused(carol, "space", "confirm", "bob", *what), what
        assert space(bob)[what[0][2:], what[1].replace("AS", "")]["state"] == "pending"
    claim(bob, carol, "--domain", "notmine.example")             # beside it, not below it
    claim(bob, carol, "--net", "203.0.113.0/24")
    hub.admin.isac("space", "confirm", "bob", "--net", "198.51.100.128/25")
    assert space(bob)["net", "198.51.100.128/25"]["confirmed_by"] == "admin"
    alice.publish("198.51.100.200")
    assert mine(bob) == ["198.51.100.200"]


def test_dropped_space_is_mine_no_more_and_may_be_claimed_again(hub, alice, bob, carol):
    alice.publish("198.51.100.7")
    claim(bob, carol, "--net", "198.51.100.0/24")
    assert mine(bob) == ["198.51.100.7"]
    assert "only an admin" in refused(carol, "space", "drop", "--member", "bob", "--net", "198.51.100.0/24")
    bob.isac("space", "drop", "--net", "198.51.100.0/24")
    assert mine(bob) == []
    assert "has not claimed" in refused(bob, "space", "drop", "--net", "198.51.100.0/24")
    claim(carol, bob, "--net", "198.51.100.0/24")                # no overlap any more
    assert mine(carol) == ["198.51.100.7"]
    hub.admin.isac("space", "drop", "--member", "carol", "--net", "198.51.100.0/24")
    assert mine(carol) == []
    one, = hub.admin.json("space", "list", "carol")
    assert (one["state"], one["claimed_by"], one["confirmed_by"], one["dropped_by"]) == ("dropped", "carol", "bob", "admin")
    claim(bob, carol, "--net", "198.51.100.0/24")
    assert sorted(r["state"] for r in bob.json("space", "list")) == ["confirmed", "dropped"]


def test_admins_and_auditors_see_everybodys(hub, alice, bob):
    audit = hub.enrol("audit", "auditor")
    alice.isac("space", "claim", "--asn", "3320")
    hub.admin.isac("space", "claim", "--member", "bob", "--net", "10.0.0.0/8", "--asn", "64500")   # an admin's word is enough
    for who in (hub.admin, audit):
        assert {(r["member"], r["value"], r["state"]) for r in who.json("space", "list")} == {
            ("alice", "3320", "pending"), ("bob", "10.0.0.0/8", "confirmed"), ("bob", "64500", "confirmed")}
    listed = {m["name"]: m for m in hub.admin.json("admin", "member", "list")}
    assert (listed["bob"]["nets"], listed["bob"]["asns"], listed["alice"]["asns"]) == ("10.0.0.0/8", "64500", "")
    assert "needs one of the roles" in refused(audit, "space", "claim", "--asn", "3320")
    verbs = [e["verb"] for e in hub.admin.json("admin", "event", "list")]
    assert verbs.count("space.claim") == 2


def test_nobody_fills_the_hub_with_claims(make_hub):
    hub = make_hub("rate_command_bytes=1000")
    alice = hub.enrol("alice")
    said = [alice.isac("space", "claim", "--asn", 3320 + i, ok=(0, 1)).stderr for i in range(12)]
    assert "too many commands" in said[-1]
    for i in range(12):
        hub.admin.isac("space", "claim", "--member", "alice", "--asn", 5000 + i)        # admins have no quota
    assert len(hub.admin.json("space", "list")) == 12 + sum("too many" not in text for text in said)


def test_space_of_before_claims_is_confirmed(make_hub):
    """A hub whose members had their space in arrays: the migration at its next start takes them over."""
    hub = make_hub()
    bob = hub.enrol("bob", "subscriber", "--net", "198.51.100.0/24", "--asn", "3320", "--domain", "mine.example")
    alice = hub.enrol("alice")
    hub.sql("""alter table isac.member add nets cidr[] not null default '{}', add asns bigint[] not null default '{}', add domains text[] not null default '{}';
        update isac.member set nets = '{198.51.100.0/24,2a00:1450::/32}', asns = '{3320}', domains = '{mine.example}' where name = 'bob';
        delete from isac.member_space; delete from isac.migration where number = 14""")
    hub.stop()
    hub.start()
    assert {(r["kind"], r["value"], r["state"], r["claimed_by"]) for r in space(bob).values()} == {
        ("net", "198.51.100.0/24", "confirmed", ""), ("net", "2a00:1450::/32", "confirmed", ""), ("asn", "3320", "confirmed", ""),
        ("domain", "mine.example", "confirmed", "")}
    alice.publish("198.51.100.7")
    assert mine(bob) == ["198.51.100.7"]


# ---- where an address lies --------------------------------------------------------------------------------------------------------

@pytest.fixture
def placed(make_hub):
    """Databases lie in the data folder, where the hub's user can read them. What means a member's AS is not held: places are asked about."""
    hub = make_hub("geo_country_db=country.mmdb", "geo_asn_db=asn.mmdb", "hold_member_space=false", start=False)
    mmdb.write(hub.folder / "country.mmdb", {"198.51.100.0/24": {"country": {"iso_code": "JP"}}, "2a00:1450::/32": {"country": {"iso_code": "IE"}}})
    mmdb.write(hub.folder / "asn.mmdb", {"198.51.100.0/24": {"autonomous_system_number": 3320}, "2a00:1450::/32": {"autonomous_system_number": 15169}}, 28)
    return hub.start()


PLACES = [{"type": "ipv4", "value": "198.51.100.7"}, {"type": "ipv4", "value": "198.51.100.8", "asn": 174, "country": "US"},
          {"type": "ipv6", "value": "2a00:1450::7"}, {"type": "cidr", "value": "198.51.100.16/28"}, {"type": "url", "value": "http://198.51.100.9/x"},
          {"type": "ipv4", "value": "203.0.113.9"}, {"type": "domain", "value": "evil.example"}, {"type": "asn", "value": "3320"}]


def test_feed_catch_up_and_history_place_an_address_alike(placed):
    hub, asked = placed, {
        "asn = 3320": {"198.51.100.7", "198.51.100.16/28", "http://198.51.100.9/x"},
        "country = JP": {"198.51.100.7", "198.51.100.16/28", "http://198.51.100.9/x"},
        "asn = 174": {"198.51.100.8"},                            # what the item says goes before
        "country in (IE, US)": {"198.51.100.8", "2a00:1450::7"},
        "not asn > 0": {"203.0.113.9", "evil.example", "3320"},
        "mine": {"198.51.100.7", "198.51.100.16/28", "http://198.51.100.9/x", "3320"},
    }
    alice = hub.enrol("alice")
    bob = hub.enrol("bob", "subscriber", "--asn", "3320")
    live = {text: bob.start("subscribe", "--from", "now", "--filter", text, "--count", len(want)) for text, want in asked.items()}
    until("sessions open", lambda: hub.stat("feed.sessions") == len(asked))
    assert alice.publish_jsonl(PLACES)[0]["code"] == 200
    for text, want in asked.items():
        out, _ = live[text].communicate(timeout=30 * SLOW)
        assert {json.loads(line)["value"] for line in out.splitlines()} == want, text
        assert {i["value"] for i in bob.json("query", text, "--wait")} == want, text
    hub.stop()
    hub.start(hub.port)                                          # nothing is left in memory
    for text, want in asked.items():
        got = bob.json("subscribe", "--from", "start", "--filter", text, "--idle-exit", "1")
        assert {i["value"] for i in got} == want, text
        for item in got:                                         # a reader sees what was signed
            said = next(p for p in PLACES if p["value"] == item["value"])
            assert (item.get("asn"), item.get("country")) == (said.get("asn"), said.get("country"))


def test_check_says_what_is_wrong_with_a_database(make_hub):
    hub = make_hub(start=False)
    mmdb.write(hub.folder / "good.mmdb", {"198.51.100.0/24": {"country": {"iso_code": "JP"}}})
    mmdb.write(hub.folder / "closed.mmdb", {"198.51.100.0/24": {"country": {"iso_code": "JP"}}}).chmod(0)
    (hub.folder / "bad.mmdb").write_text("no database\n")
    for path, ok, says in [("good.mmdb", (0,), "ok     geo_country_db"), ("bad.mmdb", (1,), "no MaxMind DB"), ("none.mmdb", (1,), "No such file"),
                           ("closed.mmdb", (1,), "Permission denied")]:
        done = run(BIN / "isacd", "check", "--data", hub.folder, "--set", f"geo_country_db={path}", ok=ok)
        assert says in done.stdout, done.stdout
    hub.settings = ["geo_country_db=none.mmdb"]
    hub.start(ok=False)
    assert "No such file" in hub.log_text()
    hub.stop(expect=None)


def test_a_free_database_works(make_hub, tmp_path):
    """@ip-location-db/geo-whois-asn-country-mmdb (CC0), from npm: a file that we did not write."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("npm is not installed")
    done = subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", tmp_path, "@ip-location-db/geo-whois-asn-country-mmdb"],
                          capture_output=True, text=True, timeout=120 * SLOW)
    if done.returncode:
        pytest.skip("the package cannot be had here: " + done.stderr[-200:])
    found, = tmp_path.glob("node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb")
    hub = make_hub("geo_country_db=country.mmdb", start=False)
    shutil.copyfile(found, hub.folder / "country.mmdb")
    (hub.folder / "country.mmdb").chmod(0o644)
    hub.start()
    alice, bob = hub.enrol("alice"), hub.enrol("bob", "subscriber")
    alice.publish("193.0.6.139", "202.12.27.33", "2001:67c:2e8:22::c100:68b", "http://193.0.6.139/")       # RIPE NCC's own web server (NL), m.root-servers.net (JP)
    ask = lambda text: {i["value"] for i in bob.json("query", text, "--wait")}
    assert ask("country = NL") == {"193.0.6.139", "2001:67c:2e8:22::c100:68b", "http://193.0.6.139/"}
    assert ask("country = JP") == {"202.12.27.33"}


# ---- being told ---------------------------------------------------------------------------------------------------------------------

class Notes:
    """A running subscription's stderr, read as it comes."""

    def __init__(self, proc):
        self.proc, self.text = proc, ""
        os.set_blocking(proc.stderr.fileno(), False)

    def seen(self):
        try:
            while more := os.read(self.proc.stderr.fileno(), 65536):
                self.text += more.decode()
        except BlockingIOError:
            pass
        return [(int(n), int(seq)) for n, seq in re.findall(r"(\d+) reports? concerns? your registered space, newest seq (\d+)", self.text)]

    def until(self, n, seq):
        return until(f"a note of {n} reports, newest {seq}; so far: {self.text}", lambda: (n, seq) in self.seen())


def status(member):
    got, = member.json("status")
    return got["concern_reports"], got["concern_newest_seq"]


def follow(hub, member, *args):
    before = hub.stat("feed.sessions")
    notes = Notes(member.start("subscribe", "--from", "now", "--filter", "type = sha256", "--follow", *args))
    until("session open", lambda: hub.stat("feed.sessions") == before + 1)
    return notes


def test_whoever_is_concerned_is_told_whatever_it_subscribed_to(hub, alice, bob, carol):
    claim(bob, carol, "--net", "198.51.100.0/24", "--domain", "mine.example")
    notes, others = follow(hub, bob), follow(hub, carol)
    alice.publish("203.0.113.9")
    alice.publish("198.51.100.7", "198.51.100.8")
    notes.until(1, 2)
    alice.publish("www.mine.example")
    notes.until(2, 3)
    assert status(bob) == (2, 3)
    assert "2 reports since I last asked, newest seq 3: isac query mine" in bob.isac("status").stdout
    assert mine(bob) == ["198.51.100.7", "198.51.100.8", "www.mine.example"]
    assert status(bob) == (0, 0)
    alice.publish("198.51.100.9")
    notes.until(1, 4)
    assert status(bob) == (1, 4)
    assert others.seen() == [] and status(carol) == (0, 0) and status(alice) == (0, 0)


def test_only_asking_for_mine_is_asking(hub, alice, bob, carol):
    claim(bob, carol, "--net", "198.51.100.0/24")
    alice.publish("198.51.100.7")
    until("indexed", lambda: status(bob) == (1, 1))
    for text in ("", "mine and type = ipv4", "value in 198.51.100.0/24"):
        bob.json("query", text, "--wait")
    bob.json("query", "mine", "--as-of", "1")
    assert status(bob) == (1, 1)
    bob.json("query", " MINE ", "--wait")
    assert status(bob) == (0, 0)


def test_no_word_of_what_one_may_not_see(hub, alice, bob, carol):
    """RED for another, a group one is not in, what is held, and one's own reports."""
    claim(bob, carol, "--net", "198.51.100.0/24", "--net", "8.8.8.0/24")
    hub.admin.isac("admin", "group", "add", "inner")
    for name in ("alice", "carol"):
        hub.admin.isac("admin", "group", "join", "inner", name)
    hub.admin.isac("admin", "member", "role", "bob", "--role", "publisher,subscriber")
    notes = follow(hub, bob)
    alice.publish("198.51.100.1", tlp="red", args=("--to", "carol"))
    alice.publish("198.51.100.2", args=("--group", "inner"))
    alice.publish("8.8.8.8")
    bob.publish("198.51.100.3")
    alice.publish("198.51.100.4", tlp="red", args=("--to", "bob"))         # sealed: the hub cannot know whom it concerns
    seq = alice.publish("198.51.100.5")[0]["seq"]
    notes.until(1, seq)
    assert notes.seen() == [(1, seq)] and status(bob) == (1, seq)
    assert hub.sql("select string_agg(seq || ':' || items, ' ' order by seq) from isac.concern").strip() == f"{seq}:1"


def test_what_one_may_see_no_longer_counts_no_longer(hub, alice, bob, carol):
    claim(bob, carol, "--net", "198.51.100.0/24")
    hub.admin.isac("admin", "group", "add", "inner")
    for name in ("alice", "bob"):
        hub.admin.isac("admin", "group", "join", "inner", name)
    alice.publish("198.51.100.2", args=("--group", "inner"))
    until("indexed", lambda: status(bob) == (1, 1))
    hub.admin.isac("admin", "group", "leave", "inner", "bob")
    assert status(bob) == (0, 0)


def test_a_restart_forgets_nothing_and_tells_once(hub, alice, bob, carol):
    claim(bob, carol, "--net", "198.51.100.0/24")
    alice.publish("198.51.100.7")
    until("indexed", lambda: status(bob) == (1, 1))
    os.kill(hub.pids()["core"], signal.SIGKILL)                  # the parent brings a new one
    until("core is back", lambda: "core" in hub.pids() and bob.isac("status", "--timeout", "1", ok=(0, 3)).returncode == 0)
    assert status(bob) == (1, 1)
    hub.stop()
    hub.start(hub.port)
    assert status(bob) == (1, 1)
    notes = follow(hub, bob)                                     # told when it opens, of what gathered meanwhile
    notes.until(1, 1)
    alice.publish("198.51.100.8")
    notes.until(2, 2)
    assert notes.seen() == [(1, 1), (2, 2)]
    assert hub.sql("select count(*) from isac.concern").strip() == "2"


def test_the_index_is_made_anew_with_the_same_concerns(hub, alice, bob, carol):
    claim(bob, carol, "--net", "198.51.100.0/24")
    for i in range(5):
        alice.publish(f"198.51.100.{i + 1}", f"203.0.113.{i + 1}")
    until("indexed", lambda: status(bob) == (5, 5))
    before = hub.sql("select * from isac.concern order by 1, 2")
    hub.sql("truncate isac.mention, isac.indicator, isac.concern; update isac.index_cursor set seq = 0")
    os.kill(hub.pids()["core"], signal.SIGKILL)
    until("made anew", lambda: hub.sql("select * from isac.concern order by 1, 2") == before)
    assert before.count("\n") == 5
