"""Transitions: the one place where a state changes; what is illegal is refused and written down."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from slipway.ledger import run_state, runs
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Run, StageResult
from slipway.ledger.tables.stated import StateError
from slipway.ledger.transitions import IllegalRow, note_illegal, transition
from slipway.model.states import RunState, StageState

ROOT = Path(__file__).parents[2]
ROOMS = ("pipeline", "steps", "scripts", "workers", "www")
#: Objects of other kinds, whose attribute of this name is no state of the ledger.
OTHERS = {
    "pipeline/cli/commands/runs/logs.py": "what a master has told of a log",
}


def test_a_state_is_never_assigned_to(walk):
    going = walk(a=[])
    going.advance()
    result = run_state.counting(going.run)["a", ""]
    for row, state in ((going.run, RunState.FAILED), (result, "running"), (going.run, "running")):
        with pytest.raises(StateError, match="by `transition` alone"):
            row.state = state
    assert (going.run.state, result.state) == (RunState.RUNNING, StageState.QUEUED)


def test_a_row_begins_in_the_first_state_of_its_kind_or_in_another_one_that_may_be():
    assert StageResult().state is StageState.QUEUED
    assert StageResult(state="gate").state is StageState.GATE
    with pytest.raises(StateError):
        StageResult(state=StageState.PASSED)
    with pytest.raises(StateError):
        Run(state="failed")


def test_what_is_read_is_of_the_enum(walk, engine):
    going = walk(a=[])
    going.advance()
    going.session.commit()
    with LedgerSession(engine) as session:
        (found,) = session.scalars(select(Run.state).where(Run.state == RunState.RUNNING))
        assert found is RunState.RUNNING
        assert session.scalars(select(StageResult)).one().state is StageState.QUEUED


def test_an_illegal_transition_is_refused_and_told(walk):
    going = walk(a=[])
    going.advance()
    going.end("a")
    result = run_state.counting(going.run)["a", ""]
    going.session.info["actor"] = "ann"
    with pytest.raises(IllegalRow, match=r"attempt 1\) is passed and cannot become running"):
        runs.begin(result, 2, "local", 2000.0)
    with pytest.raises(IllegalRow) as refused:
        transition(result, StageState.QUEUED, "ann wants it", 2000.0)
    error = refused.value
    assert (error.entity, error.project, error.actor) == ("stage", "almanac", "ann")
    assert (result.state, result.queued_at) == (StageState.PASSED, 1001.0)


def test_an_illegal_transition_is_in_the_trail_of_a_transaction_of_its_own(walk, engine):
    going = walk(a=[])
    going.advance()
    going.session.commit()
    going.session.info["actor"] = "ann"
    result = run_state.counting(going.run)["a", ""]
    with pytest.raises(IllegalRow) as refused:
        transition(result, StageState.EXPIRED, "nobody came", 2000.0)
    going.session.rollback()
    with LedgerSession(engine) as session:
        note_illegal(session, refused.value)
        session.commit()
        row = session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
        assert (row.action, row.entity, row.entity_id) == ("illegal", "stage", str(result.id))
        assert (row.actor, row.project) == ("ann", "almanac")
        assert row.new == {"from": "queued", "to": "expired", "why": "nobody came"}
        assert "cannot become expired (nobody came)" in row.summary


def _writes(tree):
    """Return the lines where something named `state` is assigned to, or set by name."""
    for node in ast.walk(tree):
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            parts = [one for target in targets for one in ast.walk(target)]
            if any(isinstance(one, ast.Attribute) and one.attr == "state" for one in parts):
                yield node.lineno
        called = node.func if isinstance(node, ast.Call) else None
        name = getattr(called, "id", getattr(called, "attr", ""))
        if name in {"setattr", "set_attribute", "set_committed_value"} and any(
            isinstance(one, ast.Constant) and one.value == "state" for one in node.args
        ):
            yield node.lineno


@pytest.mark.slow
def test_nothing_else_writes_a_state():
    found = {}
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            lines = list(_writes(ast.parse(file.read_text("utf-8"))))
            if lines and "node_modules" not in file.parts:
                found[file.relative_to(ROOT).as_posix()] = lines
    assert set(found) == {"pipeline/ledger/tables/stated.py", *OTHERS}
    users = [
        file.relative_to(ROOT).as_posix()
        for room in ROOMS
        for file in sorted((ROOT / room).rglob("*.py"))
        if "tables.stated import write" in file.read_text("utf-8")
    ]
    assert users == ["pipeline/ledger/transitions.py"]


SNIPPET = """
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Run, StageResult
from slipway.ledger.transitions import transition
from slipway.model.states import GateState, RunState, StageState

def legal(run: Run, gate: Gate, result: StageResult) -> None:
    transition(run, RunState.WAITING, "why", 1.0)
    transition(gate, GateState.ASKED, "why", 1.0)
    transition(result, StageState.RUNNING, "why", 1.0)

def illegal(run: Run, gate: Gate, result: StageResult) -> None:
    run.state = RunState.FAILED  # wrong
    run.state = "failed"  # wrong
    result.state, result.summary = StageState.PASSED, ""  # wrong
    transition(run, StageState.PASSED, "why", 1.0)  # wrong
    transition(gate, RunState.RUNNING, "why", 1.0)  # wrong
    transition(result, "passed", "why", 1.0)  # wrong
    print(gate.state == RunState.RUNNING)  # wrong
"""


@pytest.mark.slow
def test_an_illegal_write_is_an_error_for_mypy(tmp_path):
    """Type checkers do not see an editable install: they are given the rooms under their names."""
    site = tmp_path / "site" / "slipway"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("")
    for room in ("model", "ledger"):
        (site / room).symlink_to(ROOT / "pipeline" / room)
    (tmp_path / "snippet.py").write_text(SNIPPET)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "snippet.py"],
        cwd=tmp_path,
        env={"MYPYPATH": "site", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = [n for n, line in enumerate(SNIPPET.splitlines(), 1) if line.endswith("# wrong")]
    lines = [one for one in done.stdout.splitlines() if one.startswith("snippet.py:")]
    assert [int(one.split(":")[1]) for one in lines if ": error:" in one] == wrong, done.stdout
