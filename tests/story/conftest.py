import contextlib

import pytest

import hub as hubs


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A story that fails, or that its time limit ends, shows what its hubs last said and where their threads stand."""
    report = (yield).get_result()
    if report.failed:
        report.sections += [(f"hub {one.folder.name}", one.state()) for one in hubs.running()]


@pytest.fixture
def make_hub(tmp_path):
    """make_hub("name=value", ...) starts a hub with these settings; all are stopped at the end and must end with 0."""
    made = []

    def make(*settings, env=None, start=True):
        one = hubs.make(tmp_path / f"hub{len(made)}", settings, env)
        made.append(one)
        return one.start() if start else one

    yield make
    with contextlib.ExitStack() as last:        # all, even if one does not end well
        for one in made:
            last.callback(one.finish)


@pytest.fixture
def hub(make_hub):
    return make_hub()


@pytest.fixture
def alice(hub):
    return hub.enrol("alice")


@pytest.fixture
def bob(hub):
    return hub.enrol("bob", "subscriber")


def pytest_sessionfinish():
    hubs.forget_template()
