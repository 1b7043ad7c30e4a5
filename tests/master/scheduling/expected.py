"""What runs should do, written once more and apart from the ledger: plain lists, no database."""

from dataclasses import dataclass

OPEN = ("queued", "running")
ORDER = (
    *("running", "queued", "gate", "failed", "cancelled", "rejected", "expired"),
    *("passed", "skipped"),
)


@dataclass(eq=False)
class Attempt:
    stage: str
    cell: str
    number: int
    state: str
    tries: int = 0
    stale: bool = False
    approved: bool = False
    at_work: bool = False
    """A worker has it; where none has, an end is no matter of time."""
    stopping: bool = False
    finished: int | None = None
    """The exit code of a script that has ended, before Buildbot has noticed."""


class ExpectedRun:
    """One run of a graph: name -> keys of a stage."""

    def __init__(self, number, graph, cells, skips, *, fail_fast):
        self.number, self.graph, self.cells, self.skips = number, graph, cells, skips
        self.fail_fast = fail_fast
        self.attempts = []
        self.superseded = False
        self.state = "running"

    # ---- how it stands

    def newest(self, stage):
        """Return the attempts at a stage that count."""
        found = {}
        for one in self.attempts:
            if one.stage == stage and not one.stale:
                found[one.cell] = one
        return list(found.values())

    def stage(self, name):
        states = {one.state for one in self.newest(name)}
        return next((state for state in ORDER if state in states), None)

    def is_met(self, name):
        state = self.stage(name)
        return state in ("passed", "skipped") or (
            state == "failed" and self.graph[name].get("allow_failure", False)
        )

    def needs_met(self, name):
        return all(self.is_met(need) for need in self.graph[name].get("needs", ()))

    def startable(self):
        found = []
        for name, keys in self.graph.items():
            triggers = keys.get("on_failure", ())
            fired = not triggers or any(self.stage(one) == "failed" for one in triggers)
            if not self.newest(name) and fired and self.needs_met(name):
                found.append(name)
        return found

    def judge(self):
        counted = [one for name in self.graph for one in self.newest(name)]
        main = [name for name, keys in self.graph.items() if not keys.get("on_failure")]
        left = {self.stage(name) for name in main if not self.is_met(name)}
        if any(one.state in OPEN for one in counted):
            self.state = "running"
        elif "failed" in left:
            self.state = "failed"
        elif left & {"cancelled", "rejected", "expired"} or (self.superseded and self.startable()):
            self.state = "cancelled"
        else:
            self.state = "waiting" if "gate" in left else "passed"

    # ---- what happens to it

    def add(self, stage, cell, state, tries=0):
        before = [one for one in self.attempts if (one.stage, one.cell) == (stage, cell)]
        made = Attempt(stage, cell, len(before) + 1, state, tries)
        self.attempts.append(made)
        return made

    def try_first(self, name):
        manual = self.graph[name].get("manual", False)
        for cell in self.cells[name]:
            if (name, cell) in self.skips:
                self.add(name, cell, "skipped")
            else:
                self.add(name, cell, "gate" if manual else "queued")

    def advance(self):
        while not self.superseded and (names := self.startable()):
            for name in names:
                self.try_first(name)
        for one in self.attempts:
            waits = one.state == "gate" and not one.stale
            if waits and one.approved and self.needs_met(one.stage):
                one.state, self.superseded = "queued", False
        self.judge()

    def end(self, one, code):
        if code == 0:
            one.state = "passed"
        else:
            one.state = "failed"
            keys = self.graph[one.stage]
            if code == 3 and one.tries < keys.get("retries", 0) and not self.superseded:
                self.add(one.stage, one.cell, "queued", one.tries + 1)
            elif self.fail_fast and not keys.get("allow_failure"):
                self.cancel(a for a in self.attempts if not self.graph[a.stage].get("on_failure"))
        self.advance()

    def cancel(self, attempts):
        for one in attempts:
            if one.state in OPEN and not one.stale:
                one.stopping = one.state == "running" and one.at_work
                one.state = "cancelled"

    def may_cancel(self):
        return self.state in ("running", "waiting")

    def cancel_all(self):
        for one in self.attempts:
            if one.state == "gate" and not one.stale:
                one.state = "cancelled"
        self.cancel(self.attempts)
        self.judge()

    def restart(self, stopped=()):
        """Go on after the master's end; `stopped`: what `buildbot stop` has cancelled."""
        for one in list(self.attempts):
            one.stopping = one.at_work = False
            if one.state not in OPEN or one not in stopped:
                continue
            if one.finished:
                self.end(one, one.finished)
            else:
                one.state = "cancelled"
                self.add(one.stage, one.cell, "queued", one.tries)
        if self.state == "running":
            self.advance()

    def later(self, name):
        found = {name}
        while True:
            more = {
                other
                for other, keys in self.graph.items()
                if found & {*keys.get("needs", ()), *keys.get("on_failure", ())}
            } - found
            if not more:
                return found - {name}
            found |= more

    def may_rerun(self, name, cell, from_here):
        """Tell whether a stage may be tried again now."""
        mine = self.newest(name)
        chosen = [one for one in mine if one.cell == cell] if cell else mine
        users = [other for other, keys in self.graph.items() if name in keys.get("needs", ())]
        later = [one for other in self.later(name) for one in self.newest(other)]
        return not (
            (cell and not chosen)
            or any(one.state in (*OPEN, "gate") or one.stopping for one in chosen)
            or any(self.stage(user) in OPEN for user in users)
            or not self.needs_met(name)
            or (from_here and any(one.state in OPEN or one.stopping for one in later))
        )

    def rerun(self, name, cell, from_here):
        mine = self.newest(name)
        chosen = [one for one in mine if one.cell == cell] if cell else mine
        if from_here:
            for one in self.attempts:
                one.stale = one.stale or one.stage in self.later(name)
                if one.stale and one.state == "gate":
                    one.state = "cancelled"
        bad = [one for one in chosen if one.state in ("failed", "cancelled")]
        if chosen:
            manual = self.graph[name].get("manual", False)
            for one in bad or chosen:
                self.add(name, one.cell, "gate" if manual else "queued")
        else:
            self.try_first(name)
        self.superseded = False
        self.advance()
