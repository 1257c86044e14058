"""Reports that are wrong in one way each get the code in the recipe's name, and nothing of them is stored."""
import pathlib

import pytest

from attack import recipes, zmtp
from attack.alone import Live
from attack.zmtp import head


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """One hub for all recipes: they must not leave a trace. (connection, member, hub id, seed)"""
    import hub as hubs

    one = hubs.make(tmp_path_factory.mktemp("bad") / "hub", ()).start()
    home = pathlib.Path(one.home("mallory"))
    wire = zmtp.connect(one.request_endpoint, one.curve_public, Live(one).identity("mallory"))
    lines = dict(line.split(None, 1) for line in (home / "hub.pub").read_text().splitlines())
    yield wire, "mallory", lines["hub_id"], bytes.fromhex((home / "sign.key").read_text())
    one.finish()


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_bad_report_gets_its_code(target, name):
    wire, *who = target
    code, body = recipes.cook(name, *who)
    kind, request_id, answer = wire.ask(head(zmtp.SUBMIT, 3), body)
    assert request_id == 3 and kind in (zmtp.RECEIPT, zmtp.ERROR)
    assert zmtp.error_code(answer) == code
    fresh, good = recipes.cook("000-as-it-should-be.200", *who)         # the connection and the hub still serve
    kind, request_id, answer = wire.ask(head(zmtp.SUBMIT, 4), good)
    assert (kind, request_id, zmtp.error_code(answer)) == (zmtp.RECEIPT, 4, fresh)
