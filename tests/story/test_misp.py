"""MISP's events in and out, its feed's folder and its ZeroMQ, as a member and MISP's own tools see them."""
import hashlib
import json
import os
import pathlib
import re
import signal
import uuid

import pytest
import zmq

from hub import SLOW, until

SHARED = pathlib.Path(os.environ.get("ISAC_SHARED", pathlib.Path(__file__).resolve().parents[2].parent / "shared")) / "data"
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"


def attribute(n, kind, value, **more):
    return {"uuid": f"00000000-0000-4000-8000-{n:012}", "type": kind, "category": "Network activity", "value": value, "to_ids": True, "timestamp": "1700000000",
            "comment": "", **more}


def event(*attributes, tags=("tlp:amber",), **more):
    return {"Event": {"uuid": "11111111-0000-4000-8000-000000000001", "info": "Campaign\nX", "date": "2026-01-31", "timestamp": "1700000000", "analysis": "2",
                      "threat_level_id": "2", "published": True, "Orgc": {"name": "CERT", "uuid": "22222222-0000-4000-8000-000000000001"},
                      "Tag": [{"name": t} for t in tags], "Attribute": list(attributes), **more}}


def rows(member, *args):
    return member.json("query", "--limit", "0", "--wait", *args)


def folder(member, path, *args):
    done = member.isac("query", "--format", "misp", "--output", path, "--wait", *args)
    manifest = json.loads((path / "manifest.json").read_text())
    events = {name: json.loads((path / f"{name}.json").read_text())["Event"] for name in manifest}
    return manifest, events, done.stderr


def check_feed(path):
    """What MISP's feed reader and PyMISP ask of a folder."""
    manifest = json.loads((path / "manifest.json").read_text())
    lines = []
    for name, about in manifest.items():
        raw = (path / f"{name}.json").read_bytes()
        e = json.loads(raw)["Event"]
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-5][0-9a-f]{3}-[089ab][0-9a-f]{3}-[0-9a-f]{12}", name) and e["uuid"] == name
        assert about["timestamp"] == e["timestamp"] and about["integrity:sha256"] == hashlib.sha256(raw).hexdigest()
        assert all(about[key] == e[key] for key in ("info", "date", "analysis", "threat_level_id", "Orgc", "Tag"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", e["date"]) and e["published"] is True and e["threat_level_id"] in "1234" and uuid.UUID(e["Orgc"]["uuid"])
        assert len([t for t in e["Tag"] if t["name"].startswith("tlp:")]) == 1
        for a in e["Attribute"]:
            assert all(isinstance(a[key], str) and a[key] for key in ("uuid", "type", "category", "value", "timestamp")) and isinstance(a["to_ids"], bool)
            assert int(a["timestamp"]) <= int(e["timestamp"])
            if not a["deleted"]:
                lines.append(f"{hashlib.md5(a['value'].encode()).hexdigest()},{name}")
    assert sorted((path / "hashes.csv").read_text().split()) == sorted(lines)
    return manifest


def test_an_event_comes_in_with_its_labels_parts_and_what_is_not_for_detection(hub, alice, bob):
    sha = "ab" * 32
    document = event(
        attribute(1, "ip-dst", "198.51.100.7", comment="c2\tserver", first_seen="2026-01-01T00:00:00.000000+00:00"), attribute(2, "domain|ip", "evil.example|198.51.100.8"),
        attribute(3, "filename|sha256", f"a|b.exe|{sha}"[2:]), attribute(4, "ip-dst|port", "198.51.100.9|443"), attribute(5, "url", "http://web.example/x"),
        attribute(6, "domain", "talk.example", to_ids=False), attribute(7, "windows-scheduled-task", "x"), attribute(8, "link", "https://example.org/r", to_ids=False),
        attribute(9, "AS", "AS64512001"), attribute(10, "domain", "strict.example", Tag=[{"name": "tlp:amber+strict"}, {"name": "c2"}]),
        attribute(11, "md5", "zz"), attribute(12, "regkey|value", "HKLM\\x|1"), attribute(13, "domain"[:6], "odd.example", Tag=[{"name": "tlp:nonsense"}]),
        tags=("tlp:green", "osint:source-type=\"blog-post\""),
        Object=[{"name": "file", "Attribute": [attribute(20, "md5", "0123456789abcdef0123456789abcdef")]}])
    done = alice.isac("publish", "--format", "misp", stdin=json.dumps(document), ok=(4,))
    got = {r["value"]: r for r in rows(bob)}
    assert set(got) == {"198.51.100.7", "evil.example", "198.51.100.8", "b.exe", sha, "198.51.100.9", "http://web.example/x", "64512001", "strict.example",
                        "HKEY_LOCAL_MACHINE\\x", "0123456789abcdef0123456789abcdef"}
    one = got["198.51.100.7"]
    assert one["tlp"] == "green" and one["description"] == "Campaign X: c2 server" and one["first_seen"] == "2026-01-01T00:00:00Z"
    assert one["references"] == ["https://example.org/r"] and one["tags"] == ["misp:00000000-0000-4000-8000-000000000001", "osint:source-type=\"blog-post\""]
    assert got["strict.example"]["tlp"] == "amber+strict" and "c2" in got["strict.example"]["tags"]
    assert "misp-object:file" in got["0123456789abcdef0123456789abcdef"]["tags"]
    for words in ("1 x attribute of type domain that is not for detection", "1 x attribute of type windows-scheduled-task: no kind of item keeps it",
                  "00000000-0000-4000-8000-000000000011: ", "00000000-0000-4000-8000-000000000013: a red report names its recipients"):
        assert words in done.stderr, done.stderr


def test_every_type_goes_out_as_a_feed_and_comes_in_again(hub, alice, bob, tmp_path):
    from test_stix import ALL_TYPES
    alice.publish_jsonl(ALL_TYPES)
    folder(bob, tmp_path / "feed")
    check_feed(tmp_path / "feed")
    carol = hub.enrol("carol")
    done = carol.isac("publish", "--format", "misp", tmp_path / "feed")
    assert f"{len(ALL_TYPES)} items accepted" in done.stderr
    values = lambda name: {(r["type"], r["value"], r["tlp"]) for r in rows(bob, f'publisher = "{name}"')}
    assert values("alice") == values("carol")


def test_a_feed_keeps_its_bytes_until_something_changes_and_then_its_time_rises(hub, alice, bob, tmp_path):
    path = tmp_path / "feed"
    alice.publish("one.example", "two.example")
    alice.publish("amber.example", tlp="amber")
    first, events, _ = folder(bob, path)
    assert len(check_feed(path)) == 2
    before = {p.name: p.read_bytes() for p in path.iterdir()}
    folder(bob, path)
    assert {p.name: p.read_bytes() for p in path.iterdir()} == before
    alice.isac("withdraw", "--value", "two.example")
    second, events, _ = folder(bob, path)
    check_feed(path)
    changed = [name for name in first if first[name] != second[name]]
    assert len(changed) == 1 and int(second[changed[0]]["timestamp"]) > int(first[changed[0]]["timestamp"])
    state = {a["value"]: (a["to_ids"], a["deleted"]) for a in events[changed[0]]["Attribute"]}
    assert state == {"one.example": (True, False), "two.example": (False, True)}
    third, _, _ = folder(bob, path, 'value = "one.example" or kind = withdrawal')    # another filter shows less of the event: MISP must see that, too
    assert int(third[changed[0]]["timestamp"]) > int(second[changed[0]]["timestamp"]) or third[changed[0]] == second[changed[0]]


def test_a_deleted_attribute_withdraws_what_i_had_published(hub, alice, bob):
    one = attribute(1, "domain", "gone.example")
    alice.isac("publish", "--format", "misp", stdin=json.dumps(event(one)))
    alice.isac("publish", "--format", "misp", stdin=json.dumps(event(dict(one, deleted=True, to_ids=False))), ok=(0,))
    assert alice.json("life", "gone.example")[0]["state"] == "withdrawn"


def test_a_folder_with_a_bad_event_goes_on(hub, alice, bob, tmp_path):
    good, broken, absent = (str(uuid.uuid4()) for _ in range(3))
    (tmp_path / f"{good}.json").write_text(json.dumps(event(attribute(1, "domain", "good.example"))))
    (tmp_path / f"{broken}.json").write_text('{"Event": {')
    (tmp_path / "manifest.json").write_text(json.dumps({broken: {}, absent: {}, "../../etc/passwd": {}, good: {}}))
    done = alice.isac("publish", "--format", "misp", tmp_path, ok=(4,))
    assert f"{broken}.json: not JSON" in done.stderr and f"{absent}.json: named by manifest.json" in done.stderr and "no UUID" in done.stderr
    assert [r["value"] for r in rows(bob)] == ["good.example"]


def test_tools_made_for_misps_zeromq_hear_one_frame_a_message(hub, alice, bob):
    feed = bob.start("subscribe", "--from", "start", "--follow", "--format", "misp-zmq", "--bind", "tcp://127.0.0.1:*")
    endpoint = re.search(r"publishing on (tcp://127.0.0.1:\d+)", feed.stderr.readline())[1]
    context = zmq.Context()
    listener = context.socket(zmq.SUB)
    listener.setsockopt(zmq.SUBSCRIBE, b"misp_json")
    listener.setsockopt(zmq.RCVTIMEO, 30000 * SLOW)
    listener.connect(endpoint)
    heard = []

    def hear(topic):
        while True:
            frames = listener.recv_multipart()
            assert len(frames) == 1
            name, body = frames[0].decode().split(" ", 1)
            heard.append(name)
            if name == topic:
                return json.loads(body)

    assert hear("misp_json_self")["uptime"] >= 10      # nothing was said for ten seconds; and we are connected
    alice.publish("one.example", args=("--tag", "c2"))
    said = hear("misp_json_attribute")
    assert said["Attribute"]["value"] == "one.example" and said["Attribute"]["to_ids"] is True and said["action"] == "add"
    assert [t["name"] for t in said["Event"]["Tag"]] == ["tlp:green"] and said["Attribute"]["Tag"][0]["name"] == "c2"
    whole = hear("misp_json")["Event"]
    assert whole["uuid"] == said["Event"]["uuid"] and [a["uuid"] for a in whole["Attribute"]] == [said["Attribute"]["uuid"]]
    bob.isac("sighting", "one.example", "--false-positive")
    assert hear("misp_json_sighting")["Sighting"] | {"date_sighting": "", "uuid": ""} == {
        "attribute_uuid": said["Attribute"]["uuid"], "event_uuid": whole["uuid"], "type": "1", "source": "bob", "value": "one.example", "date_sighting": "", "uuid": ""}
    alice.isac("withdraw", "--value", "one.example")
    gone = hear("misp_json_attribute")
    assert gone["action"] == "delete" and gone["Attribute"]["uuid"] == said["Attribute"]["uuid"]
    context.destroy(linger=0)
    feed.send_signal(signal.SIGTERM)
    assert feed.wait(timeout=30 * SLOW) == 0


def test_published_investigations_come_in_whole(hub, alice, bob, tmp_path):
    files = sorted((SHARED / "eset-misp-events").glob("*.json"))
    if not files:
        pytest.skip("no shared data beside the project")
    for path in files:
        document = json.loads(path.read_text())
        wrapped = document["response"] if "response" in document else [document]
        wrapped = wrapped if isinstance(wrapped, list) else [wrapped]
        total = skipped = 0
        for one in wrapped:
            attributes = one["Event"]["Attribute"] + [a for o in one["Event"].get("Object", []) for a in o["Attribute"]]
            total += len(attributes)
            skipped += sum(not a.get("to_ids") for a in attributes)
        done = alice.isac("publish", "--tlp", "green", "--format", "misp", path, ok=(0, 1, 4))
        told = sum(int(n) for n in re.findall(r"not read: (\d+) x attribute of type \S+ that is not for", done.stderr))
        unknown = sum(int(n) for n in re.findall(r"not read: (\d+) x attribute of type \S+: no kind", done.stderr))
        assert skipped - unknown <= told <= skipped, (path, done.stderr)
        numbers = [int(n) for n in re.search(r"(\d+) items accepted.*; (\d+) refused, (\d+) duplicates", done.stderr).groups()]
        assert sum(numbers) >= total - told - unknown, (path, done.stderr)
    folder(bob, tmp_path / "feed")
    check_feed(tmp_path / "feed")
    assert len(rows(bob)) > 500
