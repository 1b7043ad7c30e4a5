"""Records from a master's answers, also of another version."""

import pytest

from slipway.cli.remote.lists import record_of
from slipway.model.errors import MissingTool
from slipway.model.records.poll import LastPoll

POLL = {"began_at": None, "at": 2.0, "outcome": "nothing new", "failed": False, "runs": [7]}


def test_a_record_is_read_from_an_answer_with_more_keys():
    assert record_of(LastPoll, {**POLL, "project": "demo"}) == LastPoll(**POLL)


def test_fields_that_the_answer_lacks_can_be_added():
    del (told := dict(POLL))["runs"]
    assert record_of(LastPoll, told, runs=[7]) == LastPoll(**POLL)


@pytest.mark.parametrize("key", POLL)
def test_an_answer_without_a_key_is_refused_by_its_name(key):
    told = {name: value for name, value in POLL.items() if name != key}
    with pytest.raises(MissingTool, match=rf"\({key}: .*use the version of Slipway") as refused:
        record_of(LastPoll, told)
    assert refused.value.exit_code == 3


def test_a_value_of_another_kind_is_refused():
    with pytest.raises(MissingTool, match=r"runs\.0"):
        record_of(LastPoll, {**POLL, "runs": ["seven"]})
