"""The main job, as its users see it: publish, receive, ask, resume, be refused."""
import json
import signal

from hub import SLOW, run, until


def items(text):
    return [json.loads(line) for line in text.splitlines()]


def test_published_values_reach_a_subscriber_verified(hub, alice, bob):
    receipts = alice.publish("198.51.100.7", "evil.example", "hxxp://bad[.]example/x", tlp="amber")
    assert [r["code"] for r in receipts] == [200]
    got = bob.json("subscribe", "--from", "start", "--count", "3")
    assert [(i["type"], i["value"]) for i in got] == [("ipv4", "198.51.100.7"), ("domain", "evil.example"), ("url", "http://bad.example/x")]
    assert all(i["verified"] and i["publisher"] == "alice" and i["tlp"] == "amber" and i["seq"] == 1 for i in got)
    assert all(i["report_id"] == receipts[0]["report_id"] for i in got)


def test_a_receipt_says_what_the_contract_promises(alice):
    receipt = alice.publish("198.51.100.7")[0]
    assert receipt["seq"] == 1 and receipt["items"] == 1 and receipt["code"] == 200
    assert receipt["received"].endswith("Z") and len(receipt["report_id"]) == 36


def test_filters_choose_items_not_reports(hub, alice, bob):
    alice.publish("198.51.100.7", "evil.example", "203.0.113.9")
    got = bob.json("subscribe", "--from", "start", "--filter", "value in 203.0.113.0/24", "--idle-exit", "1")
    assert [i["value"] for i in got] == ["203.0.113.9"]


def test_a_named_subscription_resumes_without_loss_or_repeat(hub, alice, bob):
    alice.publish("198.51.100.1")
    first = bob.json("subscribe", "--name", "soc", "--from", "start", "--idle-exit", "1")
    alice.publish("198.51.100.2")
    second = bob.json("subscribe", "--name", "soc", "--idle-exit", "1")
    third = bob.json("subscribe", "--name", "soc", "--idle-exit", "1")
    assert [[i["value"] for i in part] for part in (first, second, third)] == [["198.51.100.1"], ["198.51.100.2"], []]


def test_live_delivery_follows_a_publish(hub, alice, bob):
    feed = bob.start("subscribe", "--from", "now", "--count", "1")
    until("session open", lambda: hub.stat("feed.sessions") == 1)
    alice.publish("198.51.100.5")
    out, _ = feed.communicate(timeout=30 * SLOW)
    assert [i["value"] for i in items(out)] == ["198.51.100.5"] and feed.returncode == 0


def test_history_answers_by_value_type_publisher_network_and_time(hub, alice, bob):
    alice.publish("198.51.100.7", "evil.example")
    carol = hub.enrol("carol")
    carol.publish("198.51.100.7")
    ask = lambda *args: [(i["publisher"], i["value"]) for i in bob.json("query", *args)]
    until("indexed", lambda: len(ask("")) == 3)
    assert ask('value = "198.51.100.7"') == [("carol", "198.51.100.7"), ("alice", "198.51.100.7")]
    assert ask("type = domain") == [("alice", "evil.example")]
    assert ask('publisher = "carol"') == [("carol", "198.51.100.7")]
    assert ask("value in 198.51.100.0/24 and publisher != carol") == [("alice", "198.51.100.7")]
    assert ask("value under example") == [("alice", "evil.example")]
    assert ask("", "--since", "1h", "--limit", "1") == [("carol", "198.51.100.7")]
    assert ask("", "--until", "1h") == []
    assert ask("publishers >= 2") == [("carol", "198.51.100.7"), ("alice", "198.51.100.7")]


def test_a_page_of_history_may_be_larger_than_what_a_member_may_send(hub, alice, bob):
    told = "x" * 1000
    receipts = alice.publish_jsonl([{"value": f"198.51.{n >> 8}.{n & 255}", "description": told} for n in range(600)], args=("--batch", "150"))
    found = bob.json("query", "", "--limit", "0")
    assert len(receipts) == 4 and len(found) == 600 and all(item["description"] == told for item in found)


def test_who_has_just_published_finds_it(hub, alice):
    for n in range(1, 6):
        alice.publish(f"198.51.100.{n}")
        assert [i["value"] for i in alice.json("query", f'value = "198.51.100.{n}"')] == [f"198.51.100.{n}"]


def test_a_wrong_filter_points_at_the_column(bob):
    done = bob.isac("query", "type = ipv4 and nonsense", ok=(1, 2))
    assert "nonsense" in done.stderr and "^" in done.stderr


def test_a_stranger_cannot_connect(hub, alice):
    stranger = hub.keygen("mallory")
    done = stranger.isac("publish", "--tlp", "green", "--format", "plain", "--timeout", "3", stdin="198.51.100.7\n", ok=(3,))
    assert "enrolled" in done.stderr


def test_a_report_altered_after_signing_is_refused(hub, alice):
    done = alice.isac("publish", "--tlp", "green", "--format", "plain", "--timeout", "1", "--hub", "tcp://127.0.0.1:1", stdin="198.51.100.7\n", ok=(3,))
    spooled, = [path for path in (alice.home / "spool").iterdir() if path.is_file()]
    data = spooled.read_bytes()
    assert data.count(b"198.51.100.7") == 1
    spooled.write_bytes(data.replace(b"198.51.100.7", b"198.51.100.8"))
    done = alice.isac("--json", "publish", "--flush", ok=(1,))
    assert json.loads(done.stdout)["code"] == 401
    assert hub.stat("store.reports") == 0


def test_the_last_key_of_the_last_admin_stays(hub, alice):
    key, = [row["key_id"] for row in hub.admin.json("admin", "key", "list", "admin")]
    assert "enrol another" in hub.admin.isac("admin", "key", "revoke", key, ok=(1,)).stderr
    hub.admin.isac("admin", "group", "add", "still")
    other, = [row["key_id"] for row in hub.admin.json("admin", "key", "list", "alice")]
    hub.admin.isac("admin", "key", "revoke", other)
    assert alice.publish("198.51.100.7", ok=(1,))[0]["code"] == 410


def test_roles_are_needed(hub, bob):
    vendor = hub.enrol("vendor", "publisher")
    assert json.loads(bob.isac("--json", "publish", "--tlp", "green", "--format", "plain", stdin="198.51.100.7\n", ok=(1,)).stdout)["code"] == 403
    assert "403" in vendor.isac("subscribe", "--from", "start", "--idle-exit", "1", ok=(1,)).stderr


def test_red_reaches_only_the_named(hub, alice, bob):
    carol = hub.enrol("carol")
    alice.publish("198.51.100.7", tlp="red", args=("--to", "bob"))
    assert len(bob.json("subscribe", "--from", "start", "--idle-exit", "1")) == 1
    assert carol.json("subscribe", "--from", "start", "--idle-exit", "1") == []
    assert carol.json("query", "") == []
    until("indexed", lambda: len(bob.json("query", "")) == 1)


def test_a_group_narrows_any_label(hub, alice, bob):
    carol = hub.enrol("carol")
    hub.admin.isac("admin", "group", "add", "banks")
    for name in ("alice", "carol"):
        hub.admin.isac("admin", "group", "join", "banks", name)
    alice.publish("198.51.100.7", tlp="clear", args=("--group", "banks"))
    assert [i["value"] for i in carol.json("subscribe", "--from", "start", "--idle-exit", "1")] == ["198.51.100.7"]
    assert bob.json("subscribe", "--from", "start", "--idle-exit", "1") == []


def test_a_suspended_member_is_cut_at_once(hub, alice, bob):
    feed = bob.start("subscribe", "--from", "start", "--follow")
    alice.publish("198.51.100.1")
    assert json.loads(feed.stdout.readline())["value"] == "198.51.100.1"
    hub.admin.isac("admin", "member", "suspend", "bob")
    alice.publish("198.51.100.2")
    until("session closed", lambda: hub.stat("feed.sessions") == 0)
    feed.send_signal(signal.SIGTERM)
    out, _ = feed.communicate(timeout=30 * SLOW)
    assert out == ""


def test_values_that_would_hurt_everyone_are_held(hub, alice, bob):
    receipts = alice.publish("8.8.8.8", "198.51.100.7", "google.com")
    assert [r["code"] for r in receipts] == [202]
    assert [i["value"] for i in bob.json("subscribe", "--from", "start", "--idle-exit", "1")] == ["198.51.100.7"]
    own = alice.json("query", "--held", "")
    assert sorted((i["value"], i.get("held", False), i["verified"]) for i in own) == [("198.51.100.7", False, True), ("8.8.8.8", True, True),
                                                                                     ("google.com", True, True)]
    assert [i["value"] for i in bob.json("query", "--held", "")] == ["198.51.100.7"]


def test_refused_lines_are_listed_and_the_rest_goes_in(hub, alice):
    done = alice.isac("--json", "publish", "--tlp", "green", "--format", "plain", stdin="198.51.100.7\n10.0.0.1\nnot a thing at all\n", ok=(4,))
    assert items(done.stdout)[0]["items"] == 1
    assert ":2:" in done.stderr and ":3:" in done.stderr


def test_offline_reports_wait_in_the_spool_and_go_once(hub, alice, bob):
    alice.publish("198.51.100.1")
    port = hub.port
    hub.stop()
    alice.isac("publish", "--tlp", "green", "--format", "plain", "--timeout", "1", stdin="198.51.100.2\n", ok=(3,))
    hub.start(port)
    alice.publish("198.51.100.3")
    alice.publish("198.51.100.4")
    got = bob.json("subscribe", "--from", "start", "--idle-exit", "1")
    assert sorted(i["value"] for i in got) == [f"198.51.100.{n}" for n in (1, 2, 3, 4)]


def test_status_speaks_of_hub_and_subscriptions(hub, alice, bob):
    alice.publish("198.51.100.1")
    bob.json("subscribe", "--name", "soc", "--from", "start", "--idle-exit", "1")
    status = bob.json("status")[0]
    assert status["head_seq"] == 1 and [s["name"] for s in status["subscriptions"]] == ["soc"]


def test_help_has_an_example_everywhere(hub):
    from hub import BIN
    for words in ([], ["publish"], ["subscribe"], ["query"], ["keygen"], ["status"], ["admin"]):
        assert "xample" in run(BIN / "isac", *words, "--help").stdout
    for words in ([], ["init"], ["run"]):
        assert "xample" in run(BIN / "isacd", *words, "--help").stdout


def test_a_removed_range_is_a_named_gap(hub, alice, bob):
    for n in range(1, 6):
        alice.publish(f"198.51.100.{n}")
    hub.sql("delete from report where seq in (2, 3)")
    port = hub.port
    hub.stop()          # what is in memory is not gone
    hub.start(port)
    done = bob.isac("--json", "subscribe", "--from", "start", "--idle-exit", "1")
    assert [i["seq"] for i in items(done.stdout)] == [1, 4, 5]
    assert "reports 2 to 3 no longer exist" in done.stderr

