"""What a hub knows, as the files of resolvers, packet filters and sensors, each read by the real program."""
import datetime
import hashlib
import os
import re
import signal
import stat

from consumers import ask, dns_question, in_own_network, named, needs, pcap, suricata, udp, unbase64, unbound, zeek
from hub import SLOW, run, until

SET = ("--from", "start", "--idle-exit", "1")


def soon(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def a_bit_of_everything(alice):
    sample = hashlib.sha256(b"a sample\n").hexdigest()
    alice.publish_jsonl([
        {"value": "evil.example", "confidence": 90, "tags": ["c2"], "description": "seen at work"},
        {"value": "198.51.100.7", "confidence": 80},
        {"value": "203.0.113.0/24", "confidence": 70},
        {"value": "203.0.113.9", "valid_until": soon(86400)},
        {"value": "2a00:1450::7", "type": "ipv6"},
        {"value": "2a00:1450:4001::/48"},
        {"value": "http://web.example/path?x=1#frag"},
        {"value": "https://web.example/path?x=1"},
        {"value": "http://198.51.100.99/a"},
        {"value": "someone@mail.example"},
        {"value": sample, "type": "sha256"},
        {"value": hashlib.md5(b"a sample\n").hexdigest(), "type": "md5"},
        {"value": "C:\\x41\\tool.exe", "type": "filename"},
        {"value": "-", "type": "filename"},
        {"value": "#1; Mozilla (\"quoted\")", "type": "user-agent"},
        {"value": "0123456789abcdef0123456789abcdef", "type": "ja3"},
        {"value": "CVE-2026-1234"},
    ])
    return sample


def test_a_real_named_answers_nxdomain_and_sees_what_changes(hub, alice, bob, tmp_path):
    alice.publish("evil.example", "198.51.100.7", "203.0.113.0/24")
    alice.publish_jsonl([{"value": "2a00:1450::7", "type": "ipv6"}, {"value": "2a00:1450:4001::/48"}])
    zone = tmp_path / "rpz.zone"
    feed = bob.start("subscribe", "--name", "rpz", "--format", "rpz", "--output", zone, "--every", "0", "--follow")
    until("zone written", zone.exists)
    run(needs("named-checkzone"), "rpz.isac", zone)
    serial = lambda: int(re.search(r"SOA \S+ \S+ (\d+)", zone.read_text()).group(1))
    first = serial()
    with named(tmp_path / "named", zone) as (proc, port):
        until("policy loaded", lambda: ask(port, "evil.example")[0] == "NXDOMAIN")
        assert ask(port, "deep.evil.example")[0] == "NXDOMAIN"
        assert ask(port, "hosted.example")[0] == "NXDOMAIN"               # by the address in the answer
        assert ask(port, "hosted6.example", kind=28)[0] == "NXDOMAIN"
        assert ask(port, "good.example") == ("NOERROR", ["192.0.2.11"])
        assert ask(port, "late.example") == ("NOERROR", ["192.0.2.12"])
        alice.publish("late.example")
        until("zone rewritten", lambda: "late.example" in zone.read_text())
        assert serial() > first
        proc.send_signal(signal.SIGHUP)
        until("the resolver has it", lambda: ask(port, "late.example")[0] == "NXDOMAIN")
    log = (tmp_path / "named/daemon.log").read_text()
    assert "invalid" not in log and "canonical" not in log
    feed.send_signal(signal.SIGTERM)
    assert feed.wait(timeout=30 * SLOW) == 0


def test_the_readmes_subscription(hub, alice, tmp_path):
    """My networks and brands, confidence 60 and more, no scanners, as a policy zone."""
    soc = hub.enrol("soc", "subscriber", "--net", "203.0.113.0/24", "--domain", "brand.example")
    alice.publish_jsonl([
        {"value": "evil.example", "confidence": 60}, {"value": "weak.example", "confidence": 59}, {"value": "unsaid.example"},
        {"value": "scan.example", "confidence": 90, "tags": ["scanner"]}, {"value": "login.brand.example", "confidence": 5},
        {"value": "203.0.113.9"}, {"value": "198.51.100.9"}, {"value": "203.0.113.10", "tags": ["scanner"]}, {"value": "www.brand.example", "confidence": 95}])
    never = tmp_path / "never"
    never.write_text("www.brand.example\n")
    zone = soc.isac("subscribe", "--idle-exit", "1", "--name", "rpz", "--format", "rpz", "--except", never, "--max-tlp", "amber",
                    "--filter", '(mine or confidence >= 60) and not tag = "scanner"').stdout
    names = {line.split()[0] for line in zone.splitlines() if " CNAME " in line}
    assert names == {"evil.example", "*.evil.example", "login.brand.example", "*.login.brand.example", "32.9.113.0.203.rpz-ip"}


def test_a_real_unbound_takes_the_same_zone_with_every_action(hub, alice, bob, tmp_path):
    alice.publish("evil.example", "198.51.100.7")
    for action, answer in (("nxdomain", ("NXDOMAIN", [])), ("nodata", ("NOERROR", [])), ("passthru", ("NOERROR", ["192.0.2.10"])),
                           ("192.0.2.53", ("NOERROR", ["192.0.2.53"])), ("drop", None)):
        zone = tmp_path / f"{action}.zone"
        bob.isac("subscribe", *SET, "--format", "rpz", "--rpz-action", action, "--output", zone)
        with unbound(tmp_path / action, zone) as (_, port):
            assert ask(port, "evil.example") == answer, action
            assert ask(port, "deep.evil.example") == answer, action
            assert ask(port, "good.example") == ("NOERROR", ["192.0.2.11"])


def test_a_publisher_cannot_speak_to_the_resolver(hub, alice, bob):
    """In a policy zone the last label is a command: these are domains to the hub, and would shut out clients or answers."""
    names = ("8.0.0.0.10.rpz-client-ip", "32.1.0.0.10.rpz-ip", "ns.rpz-nsdname", "x.rpz-nsip", "fine.example")
    assert alice.publish_jsonl([{"type": "domain", "value": name} for name in names])[0]["items"] == len(names)
    zone = bob.isac("subscribe", *SET, "--format", "rpz")
    assert "fine.example CNAME ." in zone.stdout and "rpz-" not in zone.stdout
    assert "left out: 4 special-use" in zone.stderr


def test_one_odd_name_does_not_spoil_a_walled_garden(hub, alice, bob, tmp_path):
    """BIND refuses a zone with an address under a name that is no host's."""
    alice.publish_jsonl([{"type": "domain", "value": v} for v in ("_dmarc.evil.example", "evil.example", "xn--bcher-kva.example")])
    alice.publish("198.51.100.7")
    zone = tmp_path / "zone"
    bob.isac("subscribe", *SET, "--format", "rpz", "--rpz-action", "192.0.2.53", "--output", zone)
    run(needs("named-checkzone"), "-k", "fail", "rpz.isac", zone)
    assert "\nevil.example A 192.0.2.53\n" in zone.read_text() and "\n_dmarc.evil.example CNAME .\n" in zone.read_text()


def test_names_too_long_for_the_zone_are_counted(hub, alice, bob, tmp_path):
    zone_name = "a-rather-long-name-for-a-policy-zone.example"
    label = "a" * 60
    fits = f"{label}.{label}.{label}." + "b" * 10 + ".example"
    over = f"{label}.{label}.{label}." + "b" * 50 + ".example"
    alice.publish(fits, over, "short.example")
    zone = tmp_path / "zone"
    said = bob.isac("query", "--format", "rpz", "--rpz-zone", zone_name, "--output", zone, "--wait").stderr
    assert "wrote 2 values" in said and "1 too long" in said
    run(needs("named-checkzone"), zone_name, zone)


def test_nft_loads_it_twice_and_keeps_the_operators_rules(hub, alice, bob, tmp_path):
    needs("nft")
    a_bit_of_everything(alice)
    first, second = tmp_path / "1.nft", tmp_path / "2.nft"
    bob.isac("subscribe", *SET, "--format", "nft", "--output", first)
    alice.publish("203.0.0.0/16")                # swallows two of the first
    bob.isac("subscribe", *SET, "--format", "nft", "--output", second)
    listed = in_own_network("""nft -c -f "$1"; nft -f "$1"
        nft add chain inet isac input '{ type filter hook input priority 0; }'; nft add rule inet isac input ip saddr @v4 drop
        nft list set inet isac v4; nft list set inet isac v6; echo SECOND; nft -f "$2"; nft -f "$2"; nft list table inet isac""", first, second)
    before, after = listed.split("SECOND")
    assert "198.51.100.7" in before and "203.0.113.0/24" in before and "203.0.0.0/16" not in before
    assert "2a00:1450::7" in before and "2a00:1450:4001::/48" in before
    assert "203.0.0.0/16" in after and "203.0.113" not in after and "ip saddr @v4 drop" in after


def test_nft_elements_leave_by_themselves(hub, alice, bob):
    needs("nft")
    alice.publish_jsonl([{"value": "198.51.100.8", "valid_until": soon(86400)}, {"value": "198.51.100.9"}])
    text = bob.isac("query", "--format", "nft", "--wait").stdout
    listed = in_own_network('printf %s "$1" | nft -f -; nft list set inet isac v4', text)
    left = re.search(r"198\.51\.100\.8 timeout (\S+) expires", listed).group(1)
    assert re.match(r"23h59m|1d", left) and "198.51.100.9 }" in listed.replace("\n", " ")


def test_ipset_restores_it_twice(hub, alice, bob, tmp_path):
    needs("ipset")
    a_bit_of_everything(alice)
    out = tmp_path / "set"
    bob.isac("subscribe", *SET, "--format", "ipset", "--output", out)
    listed = in_own_network('ipset restore -f "$1"; ipset restore -f "$1"; ipset test isac-v4 203.0.113.77 2>&1; ipset list', out)
    assert "is in set" in listed and listed.count("Name:") == 2
    assert re.search(r"^198\.51\.100\.7 timeout 0$", listed, re.M) and re.search(r"^203\.0\.113\.9 timeout 86[0-9]{3}$", listed, re.M)
    assert re.search(r"^2a00:1450:4001::/48 timeout 0$", listed, re.M)


def test_suricata_loads_the_rules_and_finds_a_listed_name(hub, alice, bob, tmp_path):
    a_bit_of_everything(alice)
    out = tmp_path / "rules"
    said = bob.isac("subscribe", *SET, "--format", "suricata", "--output", out).stderr
    assert "of a type that this format cannot say" in said
    assert unbase64(out / "isac-domains.lst") == ["evil.example"]
    assert unbase64(out / "isac-user-agents.lst") == ['#1; Mozilla ("quoted")']
    assert "198.51.100.7,1,80\n" in (out / "isac-iprep.list").read_text() and "203.0.113.9,1,50\n" in (out / "isac-iprep.list").read_text()
    logs = tmp_path / "logs"
    logs.mkdir()
    both = out / "both.rules"
    both.write_text((out / "isac.rules").read_text() + (out / "isac-iprep.rules").read_text())
    suricata(logs, both)
    capture = pcap(tmp_path / "x.pcap", udp("192.0.2.1", "192.0.2.2", 4000, 53, dns_question("EVIL.example")),
                   udp("192.0.2.1", "192.0.2.2", 4001, 53, dns_question("good.example")), udp("192.0.2.1", "203.0.113.200", 4002, 9999, b"x"),
                   udp("2.2.2.2", "192.0.2.2", 4003, 9999, b"x"))
    found = re.findall(r"\[1:(\d+):(\d+)\]", suricata(logs, both, pcap=capture))
    assert sorted(int(sid) for sid, _ in found) == [1900001, 1900051]
    rev = int(found[0][1])
    alice.publish("more.example")
    bob.isac("subscribe", *SET, "--format", "suricata", "--output", out)
    revs = re.findall(r"sid:(\d+); rev:(\d+);", (out / "isac.rules").read_text())
    assert all(int(new) > rev for _, new in revs)
    assert [int(sid) - 1900000 for sid, _ in revs] == [1, 2, 3, 4, 5, 6, 8, 9, 11]        # no rules on SHA-1: nobody has named one


def test_suricata_loads_rules_with_empty_lists(hub, bob, tmp_path):
    out, logs = tmp_path / "rules", tmp_path / "logs"
    logs.mkdir()
    bob.isac("subscribe", *SET, "--format", "suricata", "--output", out)
    suricata(logs, out / "isac.rules")


def test_clamscan_finds_a_listed_file(hub, alice, bob, tmp_path):
    scan = needs("clamscan")
    sample = tmp_path / "sample"
    sample.write_bytes(b"a sample\n")
    a_bit_of_everything(alice)
    out = tmp_path / "isac.hsb"
    bob.isac("subscribe", *SET, "--format", "hsb", "--output", out)
    (tmp_path / "other").write_bytes(b"another\n")
    done = run(scan, "-d", out, "--no-summary", sample, tmp_path / "other", ok=(1,), timeout=120)
    assert f"{sample}: ISAC.alice.UNOFFICIAL FOUND" in done.stdout and "other: OK" in done.stdout


def test_zeek_reads_back_what_was_reported(hub, alice, bob):
    sample = a_bit_of_everything(alice)
    rows = {(r["indicator_type"][7:], r["indicator"]): r for r in zeek(bob.isac("subscribe", *SET, "--format", "zeek").stdout)}
    assert {("DOMAIN", "evil.example"), ("ADDR", "198.51.100.7"), ("SUBNET", "203.0.113.0/24"), ("URL", "web.example/path?x=1"),
            ("EMAIL", "someone@mail.example"), ("FILE_HASH", sample), ("FILE_NAME", "C:\\x41\\tool.exe"), ("FILE_NAME", "-"),
            ("SOFTWARE", '#1; Mozilla ("quoted")')} <= set(rows)
    assert not any(kind == "DOMAIN" and value == "web.example" for kind, value in rows)
    assert rows["DOMAIN", "evil.example"]["meta.desc"] == "seen at work [c2]" and rows["DOMAIN", "evil.example"]["meta.source"] == "alice"


def test_what_must_not_block_is_left_out(hub, alice, bob, tmp_path):
    alice.publish("8.8.8.8", "google.com", "ours.example", "www.ours.example", "198.51.100.7", "198.51.100.0/25", "theirs.example", "http://ours.example/x")
    alice.publish("amber.example", tlp="amber")
    alice.publish_jsonl([{"value": "later.example", "valid_from": soon(3600)}])
    keep_out = tmp_path / "ours"
    keep_out.write_text("# what is ours\nours.example\n198.51.100.0/28  # the office\n")
    done = bob.isac("subscribe", *SET, "--format", "rpz", "--max-tlp", "green", "--except", keep_out, "--url-hosts")
    names = {line.split()[0] for line in done.stdout.splitlines() if " CNAME " in line}
    assert names == {"theirs.example", "*.theirs.example"}
    assert "1 above the TLP limit" in done.stderr and "5 excepted" in done.stderr and "1 expired or not valid yet" in done.stderr


def test_hosts_of_urls_only_on_request(hub, alice, bob):
    alice.publish("http://web.example/x", "http://198.51.100.99/a", "https://github.io/x", "http://8.8.8.8/x")
    names = lambda *more: {l.split()[0] for l in bob.isac("query", "--wait", "--format", "rpz", *more).stdout.splitlines() if " CNAME " in l}
    assert names() == set()
    assert names("--url-hosts") == {"web.example", "*.web.example", "32.99.100.51.198.rpz-ip"}      # no suffix, no resolver of the world


def test_the_same_state_gives_the_same_bytes_and_no_new_file(hub, alice, bob, tmp_path):
    alice.publish("b.example", "a.example")
    carol = hub.enrol("carol")
    carol.publish("a.example")
    one, two = tmp_path / "one", tmp_path / "two"
    bob.isac("subscribe", *SET, "--format", "rpz", "--output", one)
    os.chmod(one, 0o640)
    two.write_bytes(one.read_bytes())                # an earlier run of query, so to say: newest first gives the same
    before = one.stat().st_ino, two.stat().st_ino, one.read_bytes()
    bob.isac("subscribe", *SET, "--format", "rpz", "--output", one)
    bob.isac("query", "--wait", "--format", "rpz", "--output", two)
    assert (one.stat().st_ino, two.stat().st_ino, one.read_bytes()) == before
    alice.publish("c.example")
    bob.isac("subscribe", *SET, "--format", "rpz", "--output", one)
    assert one.stat().st_ino != before[0] and stat.S_IMODE(one.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_expired_items_leave_a_followed_file_by_time(hub, alice, bob, tmp_path):
    alice.publish_jsonl([{"value": "brief.example", "valid_until": soon(5 * SLOW)}, {"value": "stays.example"}])
    zone = tmp_path / "zone"
    feed = bob.start("subscribe", "--format", "rpz", "--output", zone, "--every", "0", "--follow")
    until("zone written", lambda: zone.exists() and "brief.example" in zone.read_text())
    until("it has left", lambda: "brief.example" not in zone.read_text())
    assert "stays.example" in zone.read_text()
    feed.send_signal(signal.SIGTERM)
    assert feed.wait(timeout=30 * SLOW) == 0


def test_a_restart_knows_all_again_and_the_hub_knows_how_far(hub, alice, bob, tmp_path):
    zone = tmp_path / "zone"
    args = ("subscribe", "--name", "rpz", "--filter", "type = domain", "--format", "rpz", "--output", zone, "--every", "0", "--follow")
    alice.publish("one.example", "198.51.100.7")
    for n, value in enumerate(("two.example", "three.example"), 2):
        feed = bob.start(*args)
        until("zone written", zone.exists)
        alice.publish(value)
        until("it is in", lambda: value in zone.read_text())
        until("the hub was told", lambda: bob.json("status")[0]["subscriptions"][0]["acked_seq"] == n)
        feed.kill()                    # as hard as can be
        feed.communicate()
    text = zone.read_text()
    assert all(v in text for v in ("one.example", "two.example", "three.example")) and "rpz-ip" not in text


def test_what_is_left_out_is_counted_when_it_has_expired(hub, alice, bob):
    alice.publish_jsonl([{"value": "brief.example", "valid_until": soon(2)}, {"value": "stays.example"}])
    until("expired", lambda: "1 expired" in bob.isac("subscribe", *SET, "--format", "rpz").stderr)


def test_usage_of_whole_formats(bob, tmp_path):
    wrong = [("subscribe", "--format", "rpz"), ("subscribe", "--format", "suricata", "--idle-exit", "1"), ("query", "--output", "x"),
             ("query", "--format", "rpz", "--rpz-zone", "no..dots"), ("query", "--format", "rpz", "--rpz-action", "explode"),
             ("query", "--format", "nft", "--set-name", "; drop"), ("query", "--format", "rpz", "--max-tlp", "mauve"),
             ("query", "--format", "rpz", "--keep", "soon"), ("query", "--format", "csv", "--url-hosts"), ("subscribe", "--every", "3")]
    for args in wrong:
        assert "--help" in bob.isac(*args, ok=(2,)).stderr, args
    (tmp_path / "bad").write_text("fine.example\nnot a value\n")
    assert ":2:" in bob.isac("query", "--format", "rpz", "--except", tmp_path / "bad", ok=(2,)).stderr
    assert "not a plain file" in bob.isac("query", "--format", "rpz", "--output", tmp_path, ok=(1,)).stderr
