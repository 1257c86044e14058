"""Nobody sees what the rule does not show him, on any path, and sees all that it does: hub and oracle (rights.py) asked about the same worlds.

    ISAC_RIGHTS="MEMBERS REPORTS SEED"      another size: `50 2000 1` asks for a million answers
"""
import os

import pytest

import rights
from feedkit import UNLIMITED
from hub import BIN, run

MEMBERS, REPORTS, SEED = map(int, os.environ.get("ISAC_RIGHTS", "14 90 7").split())
DRIVER = BIN / "unit_member_audience"


# A path: its name, whom it can be asked for, what the rule says of (person, paper) on it, and how the hub is asked.
# Before the rights change; after it. A path of its own gets a row here, and nothing else.
BEFORE = [
    ("predicate", None, "sees", lambda town: town.judge(DRIVER, run)),
    ("sql", None, "sees", lambda town: town.sql()),
    ("feed", "reads", "sees", lambda town: town.live()),
    ("who asks", "connects", "told_who", lambda town: town.who_asks()),
    ("who got", "reads", "sees", lambda town: town.who_got()),
]
AFTER = [
    ("predicate", None, "sees", lambda town: town.judge(DRIVER, run)),
    ("sql", None, "sees", lambda town: town.sql()),
    ("catch-up", "reads", "sees", lambda town: town.catch_up()),
    ("query", "reads", "sees", lambda town: town.query()),
    ("preview", "reads", "sees", lambda town: town.preview()),        # sealed ones whatever the filter, as in a feed
    ("why", "reads", "sees", lambda town: town.why()),
    ("lookup", "reads", "knows", lambda town: town.lookup()),
    ("related", "reads", "knows", lambda town: town.related()),
    ("report", "reads", "sees", lambda town: town.versions()),
    ("stats", "reads", "counts", lambda town: town.stats()),
    ("life", "reads", "knows", lambda town: town.life()),
    ("expired", "reads", "outlives", lambda town: town.expired()),    # the last one: afterwards all that there is has expired
]


def people_of(town, who):
    rule = town.rule
    return [p for p in town.world.people.values() if who is None or (rule.reads(p) if who == "reads" else not rule.shut_out(p))]


def compare(town, paths, when):
    """How many answers were compared; every one that differs is in the failure."""
    asked, wrong = 0, []
    for name, who, says, ask in paths:
        shown, people, judge = ask(town), people_of(town, who), getattr(town.rule, says)
        assert set(shown) == {p.name for p in people}, name
        for person in people:
            due = {paper.number for paper in town.world.papers if judge(person, paper)}
            asked += len(town.world.papers)
            wrong += [(when, name, person.name, n, "shown" if n in shown[person.name] else "not shown") for n in due ^ shown[person.name]]
    assert not wrong, f"{len(wrong)} of {asked} differ: {wrong[:20]}"
    return asked


@pytest.fixture
def town(make_hub, tmp_path):
    hub = make_hub(*UNLIMITED, "expiry_ms=100")
    one = rights.Town(hub, rights.World(SEED, MEMBERS, REPORTS), tmp_path / "homes")
    yield one
    one.close()


def test_every_path_agrees_with_the_rule(town, capsys):
    town.watch()
    town.publish()
    asked = compare(town, BEFORE, "before")
    town.unsettle()
    asked += compare(town, AFTER, "after")
    with capsys.disabled():
        print(f"\nrights: {asked} answers on {len(BEFORE) + len(AFTER)} paths, {MEMBERS} members, {len(town.world.papers)} reports: 0 differ")
    seen = sum(town.rule.sees(p, paper) for p in town.world.people.values() for paper in town.world.papers)
    assert MEMBERS * len(town.world.papers) * 0.15 < seen < MEMBERS * len(town.world.papers) * 0.7       # a world in which all or nobody sees all proves nothing
