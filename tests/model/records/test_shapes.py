"""A fact is defined once: no record or shape repeats fields of another."""

import importlib
import inspect
import itertools
import pkgutil

import pytest
from pydantic import ValidationError

import slipway.model.records
import slipway.www.shapes
from slipway.model.records.base import Record, Timed
from slipway.model.records.commit import CommitFacts
from slipway.model.records.run import ListedRun, RunRecord
from slipway.www.shapes.base import Shape

#: As many fields of the same names and types may two classes have by accident.
MOST = 5
COMMIT = {"revision": "a" * 40, "subject": "a subject", "author": "Ann", "committed_at": 1}
RUN = {
    **COMMIT,
    "id": 3,
    "project": "demo",
    "number": 7,
    "state": "passed",
    "version": "1.0+7",
    "branch": "main",
    "trigger": "force",
    "person": "ann",
    "reason": "why",
    "started_at": 10.0,
    "finished_at": 12.5,
    "superseded_by": None,
}


def modules():
    """Return the modules of all records and shapes."""
    for package in (slipway.model.records, slipway.www.shapes):
        for one in pkgutil.iter_modules(package.__path__):
            yield importlib.import_module(f"{package.__name__}.{one.name}")


def classes():
    """Return all records and shapes."""
    return [
        cls
        for module in modules()
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Record) and cls.__module__ == module.__name__
    ]


def fields(cls):
    return {(name, str(field.annotation)) for name, field in cls.model_fields.items()}


def repeated(one, other):
    """Return the fields that two classes both define, instead of a base that both have."""
    shared = set(one.__mro__) & set(other.__mro__)
    inherited = set().union(*(fields(cls) for cls in shared if issubclass(cls, Record)))
    return (fields(one) & fields(other)) - inherited


def redefined(cls):
    """Return the fields that a class defines though a base of it has them, of the same type."""
    bases = [base for base in cls.__mro__[1:] if issubclass(base, Record)]
    own = inspect.get_annotations(cls)
    known = set().union(*(fields(base) for base in bases))
    return {name for name, kind in fields(cls) if name in own and (name, kind) in known}


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
def test_no_class_defines_what_it_inherits(cls):
    assert redefined(cls) == set()


def test_no_two_classes_define_the_same_facts():
    pairs = itertools.combinations(classes(), 2)
    found = {(one.__name__, two.__name__): repeated(one, two) for one, two in pairs}
    assert {pair: same for pair, same in found.items() if len(same) > MOST} == {}


def test_a_class_that_repeats_a_record_is_seen():
    class Copied(Shape):
        revision: str
        subject: str
        author: str
        committed_at: int
        version: str
        branch: str

    class Again(CommitFacts, Shape):
        subject: str

    assert len(repeated(Copied, RunRecord)) > MOST
    assert redefined(Again) == {"subject"}


def test_a_record_is_extended_with_what_is_derived():
    class Row(RunRecord, Shape):
        stages: list[str]

    made = Row.extend(RunRecord(**RUN), stages=["unit"])
    assert made.model_dump() == {**RUN, "seconds": 2.5, "stages": ["unit"]}
    with pytest.raises(ValidationError):
        Row.extend(RunRecord(**RUN))


def test_a_record_is_picked_from_a_later_versions_answer():
    told = {**RUN, "seconds": 2.5, "mood": "new in 9.0"}
    assert RunRecord.pick(told) == RunRecord(**RUN)
    del told["branch"]
    with pytest.raises(ValidationError, match="branch"):
        RunRecord.pick(told)
    with pytest.raises(ValidationError, match="state"):
        RunRecord.pick({**RUN, "state": "mellow"})


def test_records_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        RunRecord(**RUN).state = "failed"


@pytest.mark.parametrize(
    ("began", "ended", "seconds"),
    [(None, None, None), (1.0, None, None), (None, 2.0, None), (1.0, 2.5, 1.5), (2.0, 1.0, 0.0)],
)
def test_seconds_are_those_between_beginning_and_end(began, ended, seconds):
    assert Timed(started_at=began, finished_at=ended).seconds == seconds


def test_the_json_of_the_command_line_has_its_own_word_for_the_person():
    made = ListedRun(**RUN, releases=[], stages={})
    told = made.model_dump(by_alias=True)
    assert (told["owner"], made.person) == ("ann", "ann")
    assert "person" not in told
    assert RunRecord(**RUN).model_dump(by_alias=True)["person"] == "ann"
