"""The life of what is reported: sightings, withdrawals and successors reach exactly those who were sent the original, and nobody else
learns of them; what was withdrawn leaves the lists; everything about it is made again from the reports alone.
"""
import json

import pytest

from hub import until
from test_who import Live, who


def withdrawn(lines):
    return [(x["type"], x["value"], x["about"]) for x in lines if x["kind"] == "withdrawal"]


def test_a_withdrawal_is_a_report_of_its_own(hub, alice, bob):
    first, = alice.publish("198.51.100.7", "evil.example", tlp="amber")
    took, = alice.json("withdraw", first["report_id"], "--reason", "wrong list")
    assert took["code"] == 200 and took["items"] == 2
    lines = bob.json("subscribe", "--from", "start", "--idle-exit", "1")
    assert withdrawn(lines) == [("ipv4", "198.51.100.7", first["report_id"]), ("domain", "evil.example", first["report_id"])]
    assert {(x["tlp"], x["about_publisher"], x["description"], x["verified"]) for x in lines if x["kind"] == "withdrawal"} == {("amber", "alice", "wrong list", True)}
    assert {(x["value"], x["ended"]) for x in bob.json("query", "kind = indicator")} == {("198.51.100.7", True), ("evil.example", True)}
    assert bob.json("query", "kind = indicator and withdrawals = 0") == []
    assert bob.isac("query", "", "--format", "nft").stdout.count("198.51.100.7") == 0


def test_one_value_is_withdrawn_and_the_rest_stands(hub, alice, bob):
    alice.publish("198.51.100.7", "198.51.100.8")
    alice.publish("198.51.100.7", "198.51.100.9")
    assert [r["items"] for r in alice.json("withdraw", "--value", "198.51.100.7")] == [1, 1]
    assert sorted(x["value"] for x in bob.json("query", "kind = indicator and withdrawals = 0")) == ["198.51.100.8", "198.51.100.9"]
    refused = alice.isac("withdraw", "--value", "198.51.100.7", ok=(1,))
    assert "no report of mine" in refused.stderr


def test_nobody_withdraws_what_another_reported(hub, alice, bob):
    first, = alice.publish("198.51.100.7")
    assert "404" in bob.isac("withdraw", first["report_id"], ok=(1,)).stderr
    assert bob.isac("withdraw", "--value", "198.51.100.7", ok=(1,)).returncode == 1


def test_sightings_say_what_they_are_about(hub, alice, bob):
    first, = alice.publish("198.51.100.7", args=("--confidence", "80"))
    alice.publish("198.51.100.9")
    assert bob.json("sighting", "198.51.100.7", "--count", "3", "--note", "at our edge")[0]["code"] == 200
    assert bob.json("sighting", "198.51.100.7", "--false-positive")[0]["code"] == 200
    seen = [x for x in alice.json("subscribe", "--from", "start", "--idle-exit", "1") if x["kind"] == "sighting"]
    assert [(x["publisher"], x["value"], x["about"], x["verdict"], x.get("count")) for x in seen] == [
        ("bob", "198.51.100.7", first["report_id"], "positive", 3), ("bob", "198.51.100.7", first["report_id"], "false-positive", None)]
    assert [x["value"] for x in alice.json("query", "kind = indicator and false_positives >= 1")] == ["198.51.100.7"]
    assert bob.isac("sighting", "203.0.113.77", ok=(1,)).stderr.count("no report") == 1
