"""Things on a master that can be followed: a run, a stage, a gate with the stage behind it."""

from __future__ import annotations

from typing import Any

from slipway.cli.lib.state_labels import mark
from slipway.cli.remote.client import Remote
from slipway.cli.remote.following import Change, Snapshot, code_of
from slipway.model.cell import cell_title
from slipway.model.duration import format_duration
from slipway.model.errors import PASSED, WrongInput
from slipway.model.states import (
    OPEN_STAGE,
    REFUSED,
    Decision,
    DeploymentState,
    GateState,
    RunState,
    ShownState,
    StageState,
)
from slipway.scripts.terminal_text import escape

__all__ = ["FollowedGate", "FollowedRun", "FollowedStage"]

#: States of stages without any news yet.
_UNTRIED = (ShownState.WAITING, ShownState.NOT_RUN)


class FollowedRun:
    """A run; its outcome is that of everything that proceeds without people."""

    def __init__(self, master: Remote, project: str, number: int) -> None:
        self._master, self._path = master, f"runs/{project}/{number}"
        self.name = f"{project} run {number}"
        self.command = f"slipway show {number} --project {project}"

    def query(self) -> Snapshot:
        """Query the run's state."""
        run = self._master.get(self._path)
        facts = _facts(run["project"], run["number"], run["version"], run["state"])
        changes = [one for stage in run["stages"] for one in _changes(self.name, stage)]
        if run["state"] == RunState.RUNNING:
            return Snapshot(facts, changes, _at_work(run["stages"]))
        code, why = _verdict(run)
        took = f" in {format_duration(run['seconds'])}" if run["seconds"] else ""
        waits = run["state"] == RunState.WAITING
        word = "waits for a person" if waits else f"{_word(run['state'])}{took}"
        sentence = f"{self.name}, version {run['version']}, {word}"
        return Snapshot(
            facts, changes, code=code, sentence=f"{sentence}: {why}" if why else sentence
        )


def _verdict(run: dict[str, Any]) -> tuple[int, str]:
    """Return the exit code of a finished run, and the reason for it."""
    if run["state"] == RunState.WAITING:
        waiting = [one for one in run["stages"] if one["state"] == StageState.GATE]
        gates = [one["gate"] for one in waiting if one["gate"]]
        opened = [f"{one['stage']} (slipway gate open {one['id']})" for one in gates]
        return PASSED, ", ".join(opened)
    if run["state"] == RunState.PASSED:
        return PASSED, ""
    bad = [
        one
        for one in run["stages"]
        if one["state"] in {StageState.FAILED, StageState.CANCELLED} and not one["allow_failure"]
    ]
    bad.sort(key=lambda one: (one["state"] != StageState.FAILED, one["finished_at"] or 0))
    if not bad:
        return 1, ""
    return code_of(bad[0]["state"], _exit_code(bad[0])), f"{bad[0]['name']}: {bad[0]['summary']}"


def _exit_code(stage: dict[str, Any]) -> int | None:
    """Return the exit code of a stage: of its first cell that did not pass."""
    newest = [one["attempts"][0] for one in stage["results"] if one["attempts"]]
    found: list[int] = [one["exit_code"] for one in newest if one["exit_code"]]
    return found[0] if found else None


class FollowedStage:
    """A retried stage of a run, or one of its cells."""

    def __init__(self, master: Remote, project: str, number: int, stage: str, cell: str) -> None:
        self._master, self._path = master, f"runs/{project}/{number}"
        self._stage, self._cell = stage, cell
        self.name = f"{cell_title(stage, cell)} of {project} run {number}"
        self.command = f"slipway show {number} --project {project}"

    def query(self) -> Snapshot:
        """Query the stage's state."""
        run = self._master.get(self._path)
        stage = next(one for one in run["stages"] if one["name"] == self._stage)
        state, summary, code = stage["state"], stage["summary"], _exit_code(stage)
        if self._cell:
            one = next(one for one in stage["results"] if one["cell"] == self._cell)["attempts"][0]
            state, summary, code = one["state"], one["summary"], one["exit_code"]
        facts = _facts(run["project"], run["number"], run["version"], state, stage=self._stage)
        changes = _changes(f"{run['project']} run {run['number']}", stage)
        if state in OPEN_STAGE:
            return Snapshot(facts, changes, _going(state, stage["waits"]))
        if state == StageState.GATE:
            gate = stage["gate"]["id"] if stage["gate"] else None
            sentence = f"{self.name} asks anew: slipway gate open {gate}"
            return Snapshot({**facts, "gate": gate}, changes, code=PASSED, sentence=sentence)
        sentence = f"{self.name} {_word(state)}"
        ended = f"{sentence}: {summary}" if summary else sentence
        return Snapshot(facts, changes, code=_ended(state, code), sentence=ended)


class FollowedGate:
    """A gate that was answered or approved, and then the stage behind it."""

    def __init__(self, master: Remote, gate: dict[str, Any]) -> None:
        self._master, self._id = master, gate["id"]
        self._asked = gate["state"] != GateState.OPEN
        self.name = f"{gate['stage']} of {gate['project']} run {gate['run']}"
        self.command = f"slipway gate show {gate['id']}"

    def query(self) -> Snapshot:
        """Query the state of the gate and of its stage."""
        # From the list: a gate's own page runs the programs that provide its choices.
        found = self._master.get("gates", id=self._id, state="all")["items"]
        if not found:
            msg = f"gate {self._id} is not there any more"
            raise WrongInput(msg)
        gate = found[0]
        outcome = gate["outcome"]
        return self._behind(gate, outcome) if outcome else self._before(gate)

    def _before(self, gate: dict[str, Any]) -> Snapshot:
        facts = _of_gate(gate, gate["state"])
        waits = "; ".join(one["text"] for one in gate["waits_for"])
        if gate["state"] in REFUSED:
            rejections = [one for one in gate["approvals"] if one["decision"] == Decision.REJECT]
            why = "".join(f" by {one['person']}: {one['comment']}" for one in rejections)
            ended = f"{self.name} {_word(gate['state'])}{why}"
            return Snapshot(facts, code=_ended(gate["state"], None), sentence=ended)
        if gate["state"] == GateState.OPEN and self._asked:
            why = f": {gate['comment']}" if gate["comment"] else ""
            ended = f"{self.name} must be asked for anew{why}"
            return Snapshot(facts, code=WrongInput.exit_code, sentence=ended)
        changes = [Change(waits, f"{escape(self.name)} waits: {escape(waits)}", lasting=False)]
        kinds = {one["what"] for one in gate["waits_for"]}
        by_itself = kinds <= {"needs"} and gate["run_state"] == RunState.RUNNING
        held = waits if kinds and not by_itself else ""
        return Snapshot(facts, changes if waits else [], waits or "it opens in a moment", held)

    def _behind(self, gate: dict[str, Any], outcome: dict[str, Any]) -> Snapshot:
        deployment = outcome["deployment"]
        state = outcome["state"]
        if state in OPEN_STAGE:
            progress = _going(state, outcome["waits"])
            runs = state == StageState.RUNNING and outcome["worker"]
            on = f" on {outcome['worker']}" if runs else ""
            line = f"{mark(state)}{escape(f'{self.name} is opened: {progress}{on}')}"
            changes = [Change(line, line, lasting=False)]
            return Snapshot(_of_gate(gate, state), changes, progress + on)
        # The deployment's own state: after a failure the previous version may run again.
        over = deployment and deployment["state"] != DeploymentState.RUNNING
        word = deployment["state"] if over else state
        took = f" ({format_duration(outcome['seconds'])})" if outcome["seconds"] else ""
        progress = f"{self.name} {_word(word)}"
        sentence = (f"{progress}: {outcome['summary']}" if outcome["summary"] else progress) + took
        code = _ended(state, outcome["exit_code"])
        return Snapshot(_of_gate(gate, word), code=code, sentence=sentence)


def _ended(state: str, exit_code: int | None) -> int:
    refused = state in {StageState.REJECTED, StageState.EXPIRED}
    return WrongInput.exit_code if refused else code_of(state, exit_code)


def _facts(project: str, number: int, version: str, state: str, **more: Any) -> dict[str, Any]:
    known = {"project": project, "run": number, "version": version, "stage": None, "gate": None}
    return {**known, "state": state, "deployment": None, **more}


def _of_gate(gate: dict[str, Any], state: str) -> dict[str, Any]:
    outcome = gate["outcome"] or {}
    return _facts(
        gate["project"],
        gate["run"],
        gate["version"],
        state,
        stage=gate["stage"],
        gate=gate["id"],
        deployment=outcome.get("deployment"),
    )


def _changes(name: str, stage: dict[str, Any]) -> list[Change]:
    """Return the news about a stage in its present state."""
    state = stage["state"]
    if state in _UNTRIED:
        return []
    state_text = _going(state, stage["waits"]) if state in OPEN_STAGE else _word(state)
    took = f" {format_duration(stage['seconds'])}" if stage["seconds"] else ""
    if state == StageState.GATE and stage["gate"]:
        state_text, took = f"waits for a person: slipway gate open {stage['gate']['id']}", ""
    summary = "" if state in {*OPEN_STAGE, StageState.GATE} else " ".join(stage["summary"].split())
    words = f"{name} {stage['name']}: {state_text}{took}"
    line = f"{mark(state)}{escape(f'{words}  {summary}' if summary else words)}"
    key = f"{name} {stage['name']} {stage['attempts']} {state} {stage['waits']}"
    return [Change(key, line, lasting=state not in OPEN_STAGE)]


def _at_work(stages: list[dict[str, Any]]) -> str:
    """Return which stages run and which are queued, as text."""
    parts = []
    for state in (StageState.RUNNING, StageState.QUEUED):
        names = [one["name"] for one in stages if one["state"] == state]
        if names:
            parts.append(f"{state}: {', '.join(names)}")
    why = next((one["waits"] for one in stages if one["waits"]), "")
    return "; ".join(parts) + (f" ({why})" if why else "")


def _going(state: str, waits: str) -> str:
    return f"{state}: {waits}" if waits else state


_WORDS: dict[str, str] = {
    DeploymentState.DEPLOYED: "is deployed",
    DeploymentState.ROLLED_BACK: "failed, and what was there before is back",
    StageState.CANCELLED: "was cancelled",
    StageState.SKIPPED: "is skipped",
    StageState.UNCHANGED: "has nothing to release",
    StageState.REJECTED: "is rejected",
    StageState.EXPIRED: "is expired",
}


def _word(state: str) -> str:
    return _WORDS.get(state, state)
