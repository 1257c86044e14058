"""The stories' live hub serves here as well."""
import importlib.util
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "story")]

import hub as hubs

_spec = importlib.util.spec_from_file_location("story_conftest", HERE.parent / "story" / "conftest.py")
_story = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_story)
make_hub, hub, alice, bob, pytest_sessionfinish = _story.make_hub, _story.hub, _story.alice, _story.bob, _story.pytest_sessionfinish
pytest_runtest_makereport = _story.pytest_runtest_makereport


def pytest_sessionstart():
    """A build that is under way may have the programs half linked."""
    hubs.until("both programs are built", lambda: all(os.access(hubs.BIN / name, os.X_OK) for name in ("isac", "isacd")), 300)
