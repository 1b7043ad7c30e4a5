"""Applications that plain cx_Freeze gets wrong: each is frozen without an option, and does its job.

All of them: `make freeze-corpus`.
"""

import pytest

from tests.support.freeze_corpus import CORPUS, cases, freeze_case

pytestmark = pytest.mark.slow

#: Those that need few packages.
QUICK = (
    "consoles",
    "dash_m",
    "dynamic",
    "own_version",
    "plugins",
    "resources",
    "spawns",
    "templates",
)


def test_there_are_enough_and_each_names_its_trap():
    assert len(cases()) >= 20
    for name in cases():
        assert "trap = " in (CORPUS / name / "case.toml").read_text("utf-8")


@pytest.mark.parametrize("name", QUICK)
def test_it_does_its_job(name, tmp_path, shared_cache):
    result = freeze_case(name, tmp_path, shared_cache)
    assert result.problem == "", "\n".join(result.lines[-40:])
