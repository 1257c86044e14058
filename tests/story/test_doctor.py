"""isacd doctor and isac admin doctor: what is wrong is found, with what to do about it; a healthy hub has nothing wrong."""
import json
import os
import re

from hub import BIN, ROOT, run


def doctor(hub, ok=(0,), *args):
    done = run(BIN / "isacd", "doctor", "--data", hub.folder, "--json", *args, ok=ok)
    return {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}


def test_a_healthy_hub_has_nothing_wrong(hub):
    rows = doctor(hub)
    assert {"configuration", "keys/receipt.key", "disk", "wal", "descriptors", "landlock", "seccomp", "time", "hub", "request_port", "feed_port",
            "signer", "fsync", "synchronous_commit", "full_page_writes", "data_checksums", "autovacuum", "schema", "clock", "index_lag",
            "partitions", "feeds", "keys"} <= rows.keys()
    assert [row for row in rows.values() if row["state"] == "wrong"] == [] and rows["hub"]["text"] == "the hub runs"
    assert rows["request_port"]["text"].endswith(f":{hub.port} answers") and rows["feed_port"]["text"].endswith(f":{hub.port + 1} answers")
    inside = {row["check"]: row["state"] for row in hub.admin.json("admin", "doctor")}
    assert inside["fsync"] == inside["clock"] == inside["partitions"] == "ok" and "wrong" not in inside.values()


def test_what_is_wrong_is_named_with_its_remedy(make_hub):
    hub = make_hub("connections_max=1000")
    os.chmod(hub.folder / "keys" / "receipt.key", 0o644)
    rows = doctor(hub, (1,), "--set", "connections_max=1000000")
    assert rows["keys/receipt.key"]["state"] == "wrong" and "chmod 600" in rows["keys/receipt.key"]["remedy"]
    os.chmod(hub.folder / "keys" / "receipt.key", 0o600)
    hub.sql("UPDATE isac.subscription SET acked_seq = 0")
    alice = hub.enrol("alice")
    hub.sql("UPDATE isac.member_key SET valid_until = now() + interval '3 days' WHERE member_id = (SELECT id FROM isac.member WHERE name = 'alice')")
    assert "alice" in doctor(hub)["keys"]["text"] and doctor(hub)["keys"]["state"] == "warn"
    hub.sql("UPDATE isac.migration SET number = 9999 WHERE number = 26")
    done = hub.admin.isac("--json", "admin", "doctor", ok=(1,))
    assert {row["check"]: row["state"] for row in map(json.loads, done.stdout.splitlines())}["schema"] == "wrong"
    hub.sql("UPDATE isac.migration SET number = 26 WHERE number = 9999")
    assert alice.isac("admin", "doctor", ok=(1,)).stderr                                            # not for everybody


def test_a_stopped_hub_is_looked_at_too(make_hub):
    hub = make_hub()
    hub.stop()
    rows = doctor(hub)
    assert rows["hub"]["state"] == "warn" and rows["hub"]["remedy"].startswith("start it") and rows["fsync"]["state"] == "ok"
    with open(hub.folder / "pg" / "data" / "postgresql.conf", "a") as conf:
        conf.write("\nfsync = off\n")
    rows = doctor(hub, (1,))
    assert rows["fsync"]["state"] == "wrong" and "fsync = on" in rows["fsync"]["remedy"]


def test_help_manual_and_completion_know_every_command_and_option():
    text = run(BIN / "isacd", "--help").stdout
    words = set(re.findall(r"--[a-z-]+", text)) - {"--check", "--print-config"} | set(re.findall(r"^isacd ([a-z-]+) ", text, re.M))
    assert {"backup", "restore", "doctor", "verify", "--advance", "--with-keys", "--span"} <= words
    for name in ("man/isacd.8", "completion/isacd.bash", "completion/_isacd"):
        known = (ROOT / "clients" / name).read_text().replace("\\-", "-")
        missing = {word for word in words if word not in known}
        assert not missing - ({"--help", "--version"} if name != "completion/isacd.bash" else set()), (name, missing)
