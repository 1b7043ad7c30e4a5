"""A Buildbot of a few lines around the real tickets: requests, builds, kills and restarts.

What happens to the ledger is done by Slipway's own code in real transactions on a real database.
What is thrown away is what a kill throws away: a transaction that was not committed, an order that
was not handed on, a request that was not noted down.
"""

from collections import Counter
from types import SimpleNamespace

import sqlalchemy as sa
from buildbot.process.results import CANCELLED, SKIPPED
from sqlalchemy.orm import Session

from slipway.ledger import gates
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.gates import Person, Request
from slipway.ledger.runs import last_passed, settle
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Base, Run, StageResult
from slipway.master.job_builder import Place
from slipway.master.ledger_service import LedgerService
from slipway.master.scheduling import recovery
from slipway.master.scheduling.dispatch import bind
from slipway.master.scheduling.run_transitions import RunTransitions
from slipway.master.stage_outcome import record_result
from slipway.model.commit import Cause, Commit

ANN = Person("ann", frozenset({"developer"}))


class Killed(Exception):
    """The master was killed."""


def make_ledger():
    """Return an empty ledger in memory, with the one table of Buildbot that a claim looks at."""
    made = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    Base.metadata.create_all(made)
    with made.begin() as connection:
        connection.execute(sa.text("CREATE TABLE builds (id INTEGER, buildrequestid INTEGER)"))
    return made


class Engine:
    """A master with one project."""

    def __init__(self, ledger, name, project):
        self.ledger, self.name, self.project = ledger, name, project
        self.transitions = RunTransitions(name, project)
        self.requests = {}
        self.kill = ""
        """When the next transaction's master dies: "before" or "after" its commit, or "unbound"."""

    # ---- the master's ways

    def call(self, work, *arguments, **options):
        with LedgerSession(self.ledger) as session:
            result = work(session, *arguments, **options)
            session.flush()
            if self.kill == "before":
                raise Killed
            session.commit()
        return result

    def dispatch(self, work, *arguments, **options):
        orders = self.call(work, *arguments, **options)
        if self.kill == "after":
            raise Killed
        if orders is None:
            return None
        for request_id in orders.cancels:
            # What runs takes a while to end.
            request = self.requests[request_id]
            if not request["build"] and not request["complete"]:
                request.update(complete=True, results=CANCELLED)
                self.call(self.transitions.finish_and_queue, request_id, CANCELLED, 1.0)
        for order in orders.stages:
            made = len(self.requests) + 1
            self.requests[made] = {
                "stage": order.stage_id,
                "complete": False,
                "results": None,
                "build": None,
            }
            if self.kill == "unbound":
                raise Killed
            self.call(bind, order.stage_id, made, made)
        return orders

    def restart(self):
        """Go on as the scheduler does after a start."""
        self.kill = ""
        for request in self.requests.values():
            request["build"] = None
        self.call(recovery.end_stopping, self.name)
        for stage_id, request_id in self.call(recovery.open_stages, self.name):
            found = request_id or self._marked(stage_id)
            request = self.requests.get(found)
            if request is not None and request_id is None:
                self.call(bind, stage_id, found, found)
            if request is None:
                self.dispatch(self.transitions.requeue, stage_id, request_id, new_attempt=False)
            elif request["complete"] and request["results"] == CANCELLED:
                self.dispatch(self.transitions.requeue, stage_id, found, new_attempt=True)
            elif request["complete"]:
                self.dispatch(self.transitions.finish_and_queue, found, request["results"], 1.0)
        for run_id in self.call(recovery.open_runs, self.name):
            self.dispatch(self.transitions.queue_ready, run_id)
        for gate_id in self.call(self._approved):
            self.dispatch(self.transitions.queue_approved, gate_id)

    def _approved(self, session):
        return [one.id for one in gates.timed(session, self.name) if one.state == "approved"]

    def _marked(self, stage_id):
        found = [one for one, request in self.requests.items() if request["stage"] == stage_id]
        return max(found, default=None)

    def stop(self):
        """Stop as `buildbot stop` does: what is open is cancelled, and nobody hears of it."""
        for request in self.requests.values():
            if not request["complete"] and request["build"]:
                request.update(complete=True, results=CANCELLED)

    # ---- builds

    def waiting(self):
        return [i for i, one in self.requests.items() if not one["complete"] and not one["build"]]

    def working(self):
        return [i for i, one in self.requests.items() if not one["complete"] and one["build"]]

    def begin(self, request_id):
        """A worker takes up a request; return whether it got a job."""
        request = self.requests[request_id]

        def work(session):
            build = session.scalar(sa.text("SELECT count(*) FROM builds")) + 1
            insert = sa.text("INSERT INTO builds VALUES (:build, :request)")
            session.connection().execute(insert, {"build": build, "request": request_id})
            return build, LedgerService._claim(
                self._ledger(), session, request["stage"], build, "w"
            )

        request["build"], job = self.call(work)
        if self.kill:
            raise Killed
        if job is None:
            self.end(request_id, SKIPPED)
        return job is not None

    def _ledger(self):
        place = Place(self.project, "code", "", frozenset(), None, "", lambda gate: {})
        return SimpleNamespace(
            projects={self.name: self.project}, _site_of=lambda name: place, _losses=Counter()
        )

    def say(self, request_id, code):
        """A script has ended and said so."""
        stage_id = self.requests[request_id]["stage"]
        self.call(record_result, stage_id, code, "said", {})
        if self.kill:
            raise Killed
        if code == 0:
            self.dispatch(self.transitions.pass_and_queue, stage_id, 1.0)

    def end(self, request_id, results):
        """A build is over."""
        self.requests[request_id].update(complete=True, results=results)
        self.dispatch(self.transitions.finish_and_queue, request_id, results, 1.0)

    # ---- people

    def start(self, skips=()):
        commit = Commit("main", "a" * 40, "1.0", 1)
        passed = self.call(last_passed, self.name, "main", skips)
        told = {name: {"why": "same", "run": number} for name, (number, _) in passed.items()}
        self.dispatch(self.transitions.start_and_queue, commit, Cause("force"), 1.0, told)

    def open(self, stage_id):
        def work(session):
            gate = session.scalar(sa.select(Gate).where(Gate.stage_id == stage_id))
            gates.ask(session, gate, self.project.stages[gate.stage], ANN, Request(gate.token), 1.0)
            return gate.id

        gate_id = self.call(work)
        if self.kill:
            raise Killed
        self.dispatch(self.transitions.queue_approved, gate_id)

    def reject(self, stage_id):
        def work(session):
            gate = session.scalar(sa.select(Gate).where(Gate.stage_id == stage_id))
            gates.reject(session, gate, self.project.stages[gate.stage], ANN, "no", 1.0)
            settle(gate.run, self.project.stages, 1.0)

        self.call(work)

    # ---- what the ledger says

    def runs(self):
        """Return each run's state, and each attempt: stage, cell, attempt, state, stale."""
        with Session(self.ledger) as session:
            query = sa.select(Run).where(Run.project == self.name).order_by(Run.number)
            return [
                (run.state, {(a.name, a.cell, a.attempt): (a.state, a.stale) for a in run.stages})
                for run in session.scalars(query)
            ]

    def ids(self):
        """Return the attempts by their ids: run, stage, cell, attempt."""
        with Session(self.ledger) as session:
            query = sa.select(StageResult).join(Run).where(Run.project == self.name)
            return {
                one.id: (one.run.number, one.name, one.cell, one.attempt)
                for one in session.scalars(query)
            }
