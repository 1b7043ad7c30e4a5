"""The engine and the plain model side by side; each step is done to both."""

import itertools

import pytest
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS
from hypothesis import strategies as st

from slipway.model.cell import cells
from slipway.model.errors import WrongInput
from slipway.model.site import Project
from slipway.model.states import OPEN_STAGE, StageState

from .engine import Engine, Killed
from .expected import OPEN, ExpectedRun

KILLS = ("before", "after", "unbound")
_COUNT = itertools.count()
_MOST_RUNS = 3


@st.composite
def graphs(draw):
    """Return the stages of a project: name -> keys."""
    names = [f"s{n}" for n in range(draw(st.integers(1, 6)))]
    graph = {}
    for place, name in enumerate(names):
        before = names[:place]
        some = st.lists(st.sampled_from(before), unique=True, max_size=3) if before else st.just([])
        keys = {"needs": tuple(draw(some))}
        if draw(st.integers(0, 3)) == 0:
            keys["on_failure"] = tuple(one for one in draw(some) if one not in keys["needs"])
        kind = draw(st.integers(0, 5))
        if kind == 0:
            keys["manual"] = True
        elif kind == 1:
            keys["shards"] = 2
        elif kind == 2:
            keys["matrix"] = {"number": ("1", "2", "3")}
        keys["allow_failure"] = draw(st.integers(0, 4)) == 0
        keys["retries"] = draw(st.sampled_from([0, 0, 1, 2]))
        graph[name] = keys
    return graph


class World:
    """A project, its engine, and what its runs should be."""

    def __init__(self, ledger, graph, data, *, fail_fast, supersede):
        self.graph, self.data = graph, data
        self.project = Project.model_validate(
            {
                "repository": "x",
                "fail-fast": fail_fast,
                "supersede": supersede,
                "stages": {name: _stage(keys) for name, keys in graph.items()},
            }
        )
        self.cells = {n: [c.name for c in cells(s)] for n, s in self.project.stages.items()}
        self.engine = Engine(ledger, f"p{next(_COUNT)}", self.project)
        self.runs = []
        self._ended = {}

    # ---- what can be done now

    def steps(self):
        """Return the steps that make sense now."""
        waiting, working = self.engine.waiting(), self.engine.working()
        found = []
        if len(self.runs) < _MOST_RUNS:
            found.append(self.start)
        if waiting:
            found += [self.begin] * 3
        if working:
            found += [self.end, self.lose]
        if self._silent():
            found += [self.say] * 3
        if self._gates():
            found += [self.open, self.open, self.reject]
        if self.runs:
            found += [self.rerun, self.cancel]
        return found

    def do(self, step):
        """Do a step to both; the master may be killed in it and started again."""
        act, expect, *lost = step()
        self.engine.kill = self.draw(("", "", "", "", *KILLS))
        killed = self.engine.kill
        try:
            act()
        except Killed:
            (expect if killed != "before" else lost[0] if lost else lambda: None)()
            killed = "now"
        else:
            expect()
        if killed:
            self.engine.restart()
            self.restarted()

    def restarted(self, stopped=()):
        for run in self.runs:
            run.restart(stopped)

    def stop(self):
        """Stop the master as `buildbot stop` does, and start it."""
        stopped = [self.attempt(request_id)[1] for request_id in self.engine.working()]
        self.engine.stop()
        self.engine.restart()
        self.restarted(stopped)

    def check(self):
        """Compare all, and see that each open attempt has one request."""
        told = [
            (
                run.state,
                {(a.stage, a.cell, a.number): (a.state, a.stale) for a in run.attempts},
            )
            for run in self.runs
        ]
        found = self.engine.runs()
        assert found == told
        for number, (_, attempts) in enumerate(found):
            for key, (state, _) in attempts.items():
                if state not in {*OPEN_STAGE, StageState.GATE}:
                    assert self._ended.setdefault((number, key), state) == state, "it had ended"
        alive = [self.attempt(i)[1] for i in (*self.engine.waiting(), *self.engine.working())]
        for run in self.runs:
            for one in run.attempts:
                if one.state in OPEN:
                    assert [one is other for other in alive].count(True) == 1, f"{one} is lost"

    # ---- the steps: what to do, and what comes of it in the model

    def start(self):
        names = [name for name in self.graph if self.data.draw(st.booleans())]
        skips = set()
        for name in names:
            passed = [run for run in self.runs if run.stage(name) == "passed"]
            for one in passed[-1].attempts if passed else ():
                if one.stage == name and one.state == "passed":
                    skips.add((name, one.cell))
        return lambda: self.engine.start(names), lambda: self._started(skips)

    def _started(self, skips):
        fail_fast = self.project.fail_fast
        made = ExpectedRun(len(self.runs) + 1, self.graph, self.cells, skips, fail_fast=fail_fast)
        for older in self.runs if self.project.supersede else ():
            if older.state == "running":
                older.superseded = True
                older.cancel(one for one in older.attempts if one.state == "queued")
                older.judge()
        self.runs.append(made)
        made.advance()

    def begin(self):
        request_id = self.draw(self.engine.waiting())
        run, one = self.attempt(request_id)
        gets_job = one.state in OPEN and one.finished is None
        if gets_job:
            for other in map(self.attempt, self.engine.working()):
                twin = (other[1].stage, other[1].cell) == (one.stage, one.cell)
                assert other[0] is not run or not twin, f"{one} starts beside {other[1]}"
            assert run.needs_met(one.stage), f"{one} starts before its needs have passed"

        def act():
            assert self.engine.begin(request_id) == gets_job

        def expect():
            if gets_job:
                one.state, one.at_work = "running", True
                return
            if self.engine.kill:
                return  # it is taken up once more
            one.stopping = False
            if one.state in OPEN:
                run.end(one, one.finished)

        return act, expect

    def say(self):
        request_id = self.draw(self._silent())
        run, one = self.attempt(request_id)
        code = self.draw((0, 0, 0, 1, 3))

        def expect():
            one.finished = code
            if code == 0 and one.state in OPEN:
                run.end(one, 0)

        return lambda: self.engine.say(request_id, code), expect

    def end(self):
        """A build ends: as its script has said, stopped by a person, or broken off."""
        request_id = self.draw(self.engine.working())
        run, one = self.attempt(request_id)
        broken = CANCELLED if self.data.draw(st.booleans()) else FAILURE
        results = SUCCESS if one.finished == 0 else broken

        def expect():
            one.stopping = one.at_work = False
            if one.state in OPEN and results == CANCELLED:
                one.state = "cancelled"
                run.advance()
            elif one.state in OPEN:
                run.end(one, one.finished or 3)

        def unheard():
            """Buildbot knows that it has ended, but the master died of it."""
            if results == CANCELLED:
                run.restart([one])
            else:
                expect()

        return lambda: self.engine.end(request_id, results), expect, unheard

    def lose(self):
        """A worker is gone; Buildbot gives the request to another."""
        request_id = self.draw(self.engine.working())
        one, request = self.attempt(request_id)[1], self.engine.requests[request_id]
        return lambda: request.update(build=None), lambda: setattr(one, "at_work", False)

    def open(self):
        stage_id = self.draw(self._gates())
        run, one = self.by_id(stage_id)

        def expect():
            one.approved = True
            run.advance()

        return lambda: self.engine.open(stage_id), expect

    def reject(self):
        stage_id = self.draw(self._gates())
        run, one = self.by_id(stage_id)

        def expect():
            one.state = "rejected"
            run.judge()

        return lambda: self.engine.reject(stage_id), expect

    def cancel(self):
        run = self.draw(self.runs)
        work = (self.engine.transitions.cancel_run, run.number, "ann", "")
        return self._allowed(run.may_cancel(), work, {}, run.cancel_all)

    def rerun(self):
        run, name = self.draw(self.runs), self.draw(self.graph)
        cell, here = self.draw(("", *self.cells[name])), self.data.draw(st.booleans())
        work = (self.engine.transitions.rerun, run.number, name, "ann", "")
        may = run.may_rerun(name, cell, here)
        options = {"cell": cell, "from_here": here}
        return self._allowed(may, work, options, lambda: run.rerun(name, cell, here))

    def _allowed(self, may, work, options, expect):
        def act():
            if may:
                self.engine.dispatch(*work, **options)
            else:
                with pytest.raises(WrongInput):
                    self.engine.dispatch(*work, **options)

        return act, expect if may else lambda: None

    # ---- parts

    def draw(self, values):
        return self.data.draw(st.sampled_from(list(values)))

    def attempt(self, request_id):
        """Return the run and the attempt, in the model, that a request is about."""
        return self.by_id(self.engine.requests[request_id]["stage"])

    def by_id(self, stage_id):
        number, stage, cell, attempt = self.engine.ids()[stage_id]
        run = self.runs[number - 1]
        same = [one for one in run.attempts if (one.stage, one.cell) == (stage, cell)]
        return run, same[attempt - 1]

    def _silent(self):
        """Return the requests at work whose scripts have not ended."""
        return [i for i in self.engine.working() if self.attempt(i)[1].finished is None]

    def _gates(self):
        """Return the ids of the attempts at whose gates nobody has asked anything yet."""
        found = {stage_id: self.by_id(stage_id)[1] for stage_id in self.engine.ids()}
        return [
            stage_id
            for stage_id, one in found.items()
            if one.state == "gate" and not one.stale and not one.approved
        ]


def _stage(keys):
    told = {key.replace("_", "-"): value for key, value in keys.items()}
    return {"uses": "command", "argv": ("true",), **told}
