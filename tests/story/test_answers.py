"""lookup, related, report and stats say what Python computes from what the same member sees by `isac query ''`, and nothing else.

Reports of every label, group and recipient, values shared between publishers; for each member every answer is compared.
"""
import collections
import csv
import datetime
import io
import ipaddress
import itertools
import os
import random
import statistics

import pytest

import hub as hubs

SEED, REPORTS = map(int, os.environ.get("ISAC_ANSWERS", "7 70").split())
UNKNOWN = "203.0.113.250"
GROUPS = {"north": ["ana", "bea", "cyd"], "south": ["cyd", "dan", "eve"]}
PUBLISHERS = ["ana", "bea", "cyd", "dan"]
HOSTS = {"www.bad.co.uk": "bad.co.uk", "bad.co.uk": "bad.co.uk", "a.b.worse.com": "worse.com", "mail.worse.com": "worse.com", "lone.net": "lone.net",
         "xbad.co.uk": "xbad.co.uk"}
POOL = ([f"198.51.100.{n}" for n in (1, 2, 3, 77, 255)] + [f"198.51.101.{n}" for n in (0, 9)] + ["2a00:1450:4001::1", "2a00:1450:4001:0:9::2", "2a00:1450:4001:1::1"]
        + ["198.51.100.64/28", "http://198.51.100.9/x"] + list(HOSTS) + ["https://www.bad.co.uk/login", "someone@mail.worse.com"]
        + [f"{n:064x}" for n in range(1, 7)] + ["8.8.8.8"])


def key(row):
    return row["type"], row["value"]


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def us(delta):
    return delta // datetime.timedelta(microseconds=1)


def as_the_hub_sees(rows):
    """A red report is one item that says nothing, whatever its readers find in it."""
    sealed = set()
    for row in rows:
        if row["tlp"] != "red":
            yield row
        elif row["report_id"] not in sealed:
            sealed.add(row["report_id"])
            yield {k: row[k] for k in ("seq", "report_id", "publisher", "tlp", "received")} | {"type": "sealed", "value": row["report_id"]}


class Seen:
    """What a member sees by a query for everything, and what follows from it."""

    def __init__(self, member):
        self.member = member
        self.opened = member.json("query", "", "--limit", "0", "--wait")
        self.rows = list(as_the_hub_sees(self.opened))
        self.by_value = collections.defaultdict(list)
        for row in self.rows:
            self.by_value[key(row)].append(row)

    def known(self, value_key, now):
        rows = self.by_value.get(value_key, [])
        if not rows:
            return {"known": False, "state": None, "mentions": 0, "publishers": 0, "confidence": None, "newest": None, "newest_seq": None}
        newest = max(rows, key=lambda r: r["seq"])
        confidences = [r["confidence"] for r in rows if r.get("confidence") is not None]
        active = any(not r.get("valid_until") or when(r["valid_until"]) > max(now, when(r["received"])) for r in rows)
        return {"known": True, "state": "active" if active else "expired", "mentions": len(rows), "publishers": len({r["publisher"] for r in rows}),
                "confidence": max(confidences) if confidences else None, "newest": newest["received"], "newest_seq": newest["seq"]}

    def near(self, value_key, test):
        """{value: (mentions, newest_seq)} of other values that fulfil a test."""
        return {k: (len(rows), max(r["seq"] for r in rows)) for k, rows in self.by_value.items() if k != value_key and test(k)}

    def together(self, value_key):
        seqs = {r["seq"] for r in self.by_value.get(value_key, [])}
        found = {}
        for k, rows in self.by_value.items():
            shared = seqs & {r["seq"] for r in rows}
            if shared and k != value_key:
                found[k] = (len(shared), max(shared))
        return found

    def counts(self, group):
        groups = collections.defaultdict(list)
        for row in self.rows:
            groups[group(row)].append(row)
        return {name: count(rows) for name, rows in groups.items()}

    def firsts(self):
        """{value: publishers in the order of their first mention, with its time}"""
        found = {}
        for k, rows in self.by_value.items():
            first = {}
            for row in sorted(rows, key=lambda r: r["seq"]):
                first.setdefault(row["publisher"], when(row["received"]))
            found[k] = list(first.items())
        return found

    def scores(self):
        cards = {}
        firsts = self.firsts()
        for name in {r["publisher"] for r in self.rows}:
            mine = [order for order in firsts.values() if any(p == name for p, _ in order)]
            led = [us(order[1][1] - order[0][1]) for order in mine if order[0][0] == name and len(order) > 1]
            cards[name] = {"mentions": sum(r["publisher"] == name for r in self.rows), "values": len(mine),
                           "first": sum(order[0][0] == name for order in mine), "unique": sum(len(order) == 1 for order in mine),
                           "led": len(led), "median_lead_s": statistics.median_low(led) // 1000000 if led else None}
        return cards

    def overlaps(self):
        pairs = collections.Counter()
        for order in self.firsts().values():
            names = sorted(p for p, _ in order)
            pairs.update([*itertools.combinations(names, 2), *((n, n) for n in names)])
        return dict(pairs)


def count(rows):
    return {"mentions": len(rows), "values": len({key(r) for r in rows}), "reports": len({r["seq"] for r in rows}),
            "publishers": len({r["publisher"] for r in rows})}


def host_of(k):
    kind, value = k
    return {"domain": value, "url": value.split("/")[2] if kind == "url" else None, "email": value.rpartition("@")[2]}.get(kind)


def net_of(k):
    kind, value = k
    if kind in ("ipv4", "ipv6", "cidr"):
        return ipaddress.ip_network(value)
    if kind == "url":
        try:
            return ipaddress.ip_network(host_of(k))
        except ValueError:
            return None
    return None


def registered(host):
    return next((reg for reg in HOSTS.values() if host == reg or host.endswith("." + reg)), None)


@pytest.fixture(scope="module")
def sharing(tmp_path_factory):
    """A hub with random reports of every label; members by name."""
    dice = random.Random(SEED)
    hub = hubs.make(tmp_path_factory.mktemp("answers"), ["quorum=16"]).start()     # held values stay so: the model knows no release
    try:
        people = {name: hub.enrol(name) for name in PUBLISHERS}
        people["eve"] = hub.enrol("eve", "subscriber")
        people["fay"] = hub.enrol("fay", "subscriber,analyst")
        for name, members in GROUPS.items():
            hub.admin.isac("admin", "group", "add", name)
            for member in members:
                hub.admin.isac("admin", "group", "join", name, member)
        reports = []
        for n in range(REPORTS):
            who = dice.choice(PUBLISHERS)
            tlp = ["clear", "green", "amber", "amber+strict", "red"][n % 5]
            args = ["--to", ",".join(dice.sample([p for p in people if p != who], dice.randint(1, 2)))] if tlp == "red" else []
            mine = [g for g, members in GROUPS.items() if who in members]
            if mine and dice.random() < 0.4:
                args += ["--group", dice.choice(mine)]
            lines = []
            for value in dice.sample(POOL, dice.randint(1, 9)):
                line = {"value": value}
                if dice.random() < 0.7:
                    line["confidence"] = dice.randint(0, 100)
                if dice.random() < 0.4:
                    line["valid_until"] = dice.choice(["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
                if dice.random() < 0.5:
                    line |= {"country": dice.choice(["JP", "DE"]), "asn": dice.choice([64500, 64501])}
                lines.append(line)
            receipts = people[who].publish_jsonl(lines, tlp=tlp, args=args)
            reports += [r["report_id"] for r in receipts if r.get("report_id")]
        yield hub, people, {name: Seen(member) for name, member in people.items()}, reports
    finally:
        hub.finish()


EVERYBODY = pytest.mark.parametrize("name", [*PUBLISHERS, "eve", "fay"])


def keys_of(member):
    """The pool as (type, value), by the command's own word for it."""
    return {row["value"]: (row["type"], row["canonical"]) for row in member.json("lookup", *POOL, UNKNOWN, ok=(0, 1))}


def test_the_pool_is_what_it_should_be(sharing):
    """Or the comparisons below would compare nothing: members see different things, all labels are there, values are shared."""
    _, _, seen, reports = sharing
    assert len(reports) == REPORTS and len({len(s.rows) for s in seen.values()}) > 3
    assert {r["tlp"] for s in seen.values() for r in s.rows} == {"clear", "green", "amber", "amber+strict", "red"}
    assert all(s.rows and max(len(order) for order in s.firsts().values()) > 2 for s in seen.values())
    assert not any(r["value"] == "8.8.8.8" for s in seen.values() for r in s.rows)


@EVERYBODY
def test_lookup(sharing, name):
    _, people, seen, _ = sharing
    now = datetime.datetime.now(datetime.timezone.utc)
    rows = people[name].json("lookup", *POOL, UNKNOWN, "not a value", "--wait", ok=(4,))
    assert [r["value"] for r in rows] == [*POOL, UNKNOWN]
    for row in rows:
        told = {k: v for k, v in row.items() if k not in ("value", "type", "canonical")}
        assert told == seen[name].known((row["type"], row["canonical"]), now), row


@EVERYBODY
def test_related(sharing, name):
    _, people, seen, _ = sharing
    for value, k in keys_of(people[name]).items():
        rows = people[name].json("related", value, "--limit", "100")
        told = collections.defaultdict(dict)
        for row in rows:
            told[row["relation"]][key(row)] = (row["mentions"], row["newest_seq"])
            assert row["of"] == sum(r["relation"] == row["relation"] for r in rows)
        net, host = net_of(k), host_of(k)
        expected = {"report": seen[name].together(k)}
        if net:
            around = net.supernet(new_prefix=min(net.prefixlen, 24 if net.version == 4 else 64))
            expected["network"] = seen[name].near(k, lambda o: net_of(o) and net_of(o).version == net.version and net_of(o).subnet_of(around))
        elif host:
            expected["domain"] = seen[name].near(k, lambda o: not net_of(o) and host_of(o) and registered(host_of(o)) == registered(host))
        assert dict(told) == {relation: values for relation, values in expected.items() if values}, value


@EVERYBODY
def test_statistics(sharing, name):
    _, people, seen, _ = sharing
    me, mine = people[name], seen[name]
    total, = me.json("stats", "--wait")
    assert {k: v for k, v in total.items() if k != "span"} == count(mine.rows)
    groups = {"day": lambda r: r["received"][:10], "type": lambda r: r["type"], "publisher": lambda r: r["publisher"], "country": lambda r: r.get("country"),
              "asn": lambda r: str(r["asn"]) if r.get("asn") else None}
    for by, group in groups.items():
        rows = me.json("stats", "--by", by)
        assert {r.pop(by): r for r in rows} == mine.counts(group), by
    shares = ("first_share", "unique_share")
    cards = {r.pop("publisher"): {k: v for k, v in r.items() if k not in shares} for r in me.json("stats", "--scorecard")}
    assert cards == mine.scores()
    for publisher in [*PUBLISHERS, "eve", "nobody"]:
        card = me.json("stats", "--scorecard", publisher)
        assert [r.pop("publisher") for r in card] == [publisher] * (publisher in cards)
        assert not card or {k: v for k, v in card[0].items() if k not in shares} == cards[publisher]
    rows = me.json("stats", "--overlap")
    pairs = mine.overlaps()
    assert {(r["a"], r["b"]): r["common"] for r in rows} == pairs
    assert all(r["of_a"] == pairs[r["a"], r["a"]] and r["of_b"] == pairs[r["b"], r["b"]] for r in rows)


@EVERYBODY
def test_report(sharing, name):
    _, people, seen, reports = sharing
    absent = people[name].isac("report", "0" * 31 + "1", ok=(1,)).stderr
    for report_id in reports:
        opened = [r for r in seen[name].opened if r["report_id"] == report_id]
        expected = {(r["seq"], *key(r)) for r in opened if not r.get("held")}
        done = people[name].isac("--json", "report", report_id, ok=(0, 1))
        if not expected:        # its held items apart, which only a publisher and analysts see
            rows = [hubs.json.loads(line) for line in done.stdout.splitlines()]
            assert all(r["held"] for r in rows) and (rows or done.stderr == absent)
            continue
        rows = [hubs.json.loads(line) for line in done.stdout.splitlines()]
        assert {(r["seq"], *key(r)) for r in rows if not r["held"]} == expected
        # Of a red report, whose values the hub cannot judge, each reader is told by his own program.
        assert all(r["publisher"] == name or name == "fay" or opened[0]["tlp"] == "red" for r in rows if r["held"])


def test_held_items_are_shown_to_those_who_may(sharing):
    """Once answered with an entry that no reader could open."""
    _, people, _, _ = sharing
    mine = [r for r in people["ana"].json("query", "", "--held", "--limit", "0") if r.get("held")]
    assert mine and {(r["publisher"], r["value"]) for r in mine} == {("ana", "8.8.8.8")}
    assert {r["publisher"] for r in people["fay"].json("query", "state = held", "--held", "--limit", "0")} > {"ana"}


def test_a_canary_of_each_label_counts_for_none_but_those_who_may_see_it(sharing):
    """What is there and may not be seen is answered like what is not there. So are values in red reports, which the hub cannot read."""
    hub, people, _, _ = sharing
    before = {name: (member.json("stats")[0], member.json("stats", "--overlap")) for name, member in people.items()}
    canaries = {}
    for n, (tlp, args, eyes) in enumerate((("red", ["--to", "bea"], set()), ("amber+strict", ["--group", "north"], {"ana", "bea", "cyd"}),
                                           ("amber", ["--group", "north"], {"ana", "bea", "cyd"}), ("green", ["--group", "north"], {"ana", "bea", "cyd"}),
                                           ("clear", ["--group", "north"], {"ana", "bea", "cyd"}))):
        value = f"canary{n}.worse.com"
        people["ana"].publish(value, f"198.51.100.{200 + n}", "0" * 63 + "1", tlp=tlp, args=args)
        canaries[value] = eyes
    for name, member in people.items():
        row = {}
        for value, eyes in canaries.items():
            found = member.json("lookup", value, "never.worse.com", "--wait", ok=(0, 1))
            row[value], nothing = ({k: v for k, v in r.items() if k not in ("value", "canonical")} for r in found)
            assert (row[value] == nothing) == (name not in eyes), (name, value)
            near = {r["value"] for about in ("198.51.100.1", "worse.com", "0" * 63 + "1") for r in member.json("related", about, "--limit", "100")}
            assert (value in near) == (name in eyes), (name, value)
        after = member.json("stats")[0], member.json("stats", "--overlap")
        if not any(name in eyes for eyes in canaries.values()):
            before[name][0].pop("span"), after[0].pop("span")
            assert after == before[name], name
        else:
            assert after != before[name], name
    assert not any(r["known"] for r in hub.admin.json("lookup", *canaries, ok=(1,)))         # an admin sees nothing by being admin
    writer = hub.enrol("writer", "publisher")
    for args in (["lookup", UNKNOWN], ["related", UNKNOWN], ["stats"], ["report", "0" * 31 + "1"]):
        assert "role" in writer.isac(*args, ok=(1,)).stderr


def test_csv_holds_what_json_does(sharing):
    _, people, _, _ = sharing
    for args in (["lookup", *POOL], ["related", "198.51.100.1"], ["stats", "--by", "type"], ["stats", "--scorecard"], ["stats", "--overlap"]):
        rows = people["ana"].json(*args)
        text = people["ana"].isac(*args, "--format", "csv").stdout
        cells = [{k: v for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]
        assert cells == [{k: "" if v is None else {True: "yes", False: "no"}.get(v, str(v)) if isinstance(v, bool) else str(v) for k, v in r.items()} for r in rows]


def test_a_file_of_many_values(sharing, tmp_path):
    """More than a request holds; every line is answered in its order, and what is no value is listed with its line."""
    _, people, _, _ = sharing
    lines = [f"93.184.{n // 250}.{n % 250 + 1}" for n in range(2500)]
    lines[7], lines[1700], lines[2400] = "198.51.100[.]1", "no value at all!", POOL[0]
    path = tmp_path / "seen.txt"
    path.write_text("\n".join(lines) + "\n")
    done = people["ana"].isac("lookup", "--file", path, "--type", "ipv4", "--format", "csv", ok=(4,))
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert f"{path}:1701:" in done.stderr and len(rows) == 2499
    assert [r["value"] for r in rows] == [line for n, line in enumerate(lines) if n != 1700]
    assert [r["canonical"] for r in rows if r["known"] == "yes"] == ["198.51.100.1"] * 2
    assert people["ana"].isac("lookup", UNKNOWN, ok=(1,)).stdout
    assert people["ana"].isac("lookup", UNKNOWN, "--known", ok=(1,)).stdout == ""


def test_bad_questions_are_refused(sharing):
    _, people, _, _ = sharing
    me = people["eve"]
    assert "one value" in me.isac("related", ok=(2,)).stderr
    assert "not a report's id" in me.isac("report", "xyz", ok=(2,)).stderr
    assert "--by is" in me.isac("stats", "--by", "week", ok=(2,)).stderr
    assert "only one of" in me.isac("stats", "--by", "day", "--overlap", ok=(2,)).stderr
    assert "longer than a year" in me.isac("stats", "--since", "400d", ok=(1,)).stderr
    assert "ends before" in me.isac("stats", "--since", "1d", "--until", "2d", ok=(1,)).stderr
    assert "which values" in me.isac("lookup", ok=(2,)).stderr
    assert "cannot tell" in me.isac("lookup", "not a value", ok=(1,)).stderr
