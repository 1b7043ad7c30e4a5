"""The poller: what it finds in a real repository, and what it tells Buildbot and the ledger."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from twisted.internet import defer

from slipway.git_mirror import Mirror
from slipway.ledger import runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Poll
from slipway.master.scheduling import poller as module
from slipway.master.scheduling.change_filter import POLLED, ChangesFromElsewhere
from slipway.master.scheduling.poller import RepositoryPoller
from slipway.master.scheduling.scheduler import PipelineScheduler, Started
from slipway.model.commit import Cause, Commit
from tests.support.ledgers import make_ledger

pytestmark = pytest.mark.slow


class LedgerService:
    """The ledger on SQLite, without Buildbot's threads."""

    def __init__(self, engine):
        self.engine = engine

    async def call(self, work, *args, **kwargs):
        with LedgerSession(self.engine) as session:
            result = work(session, *args, **kwargs)
            session.commit()
            return result


class Threads:
    """Twisted's threads, at once."""

    @staticmethod
    async def deferToThread(work, *args):  # noqa: N802  Twisted's name
        return work(*args)


class LoosePoller(RepositoryPoller):
    """A poller whose master is given, not found by way of its parent."""

    master = None

    def __init__(self, mirror, master):
        self.project, self.branches = "almanac", ("main",)
        self.mirror, self.master = mirror, master


class Starting(PipelineScheduler):
    """A scheduler that only writes down the runs it is asked to start."""

    def __init__(self, polling):
        self.polling = polling

    async def begin_run(self, commit, cause):
        return await self.polling.begin_run(commit, cause)


class Polling:
    """A poller of a repository with all that it tells."""

    def __init__(self, tmp_path, repository):
        self.engine = make_ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
        self.ledger = LedgerService(self.engine)
        self.changes = []
        self.runs = []
        master = SimpleNamespace(
            initLock=defer.DeferredLock(),
            reactor=SimpleNamespace(callLater=lambda _seconds, work: work()),
            scheduler_manager=SimpleNamespace(namedServices={"almanac": Starting(self)}),
            service_manager=SimpleNamespace(namedServices={"slipway": self.ledger}),
            data=SimpleNamespace(updates=SimpleNamespace(addChange=self.add)),
        )
        mirror = Mirror(tmp_path / "m.git", str(repository), "project.almanac.repository")
        self.poller = LoosePoller(mirror, master)

    async def add(self, **change):
        assert change["category"] == POLLED
        self.changes.append(change)

    async def begin_run(self, commit, cause):
        """Stand for the pipeline's scheduler: the ledger part of starting a run."""
        self.runs.append((commit, cause))
        number = await self.ledger.call(self.write_down, commit, cause)
        return Started(number, (None, {}))

    def write_down(self, session, commit, cause):
        return runs.start_run(session, "almanac", commit, cause, 1.0).number

    def poll(self):
        """Poll once; return the outcome, and the new changes' subjects (run ones marked)."""
        self.changes.clear()
        self.runs.clear()
        asyncio.run(self.poller._poll())
        with LedgerSession(self.engine) as session:
            poll = session.get_one(Poll, "almanac")
            told = (poll.outcome, poll.failed)
        run = {commit.revision for commit, _ in self.runs}
        return told, [
            f"*{one['comments']}" if one["revision"] in run else one["comments"]
            for one in self.changes
        ]

    def started(self, revision):
        """Write down the run that the change would have started."""
        with LedgerSession(self.engine) as session:
            commit = Commit("main", revision, "1.0", 1)
            runs.start_run(session, "almanac", commit, Cause("poll"), 1.0)
            session.commit()


@pytest.fixture
def polling(tmp_path, repository, monkeypatch):
    monkeypatch.setattr(module, "threads", Threads)
    made = Polling(tmp_path, repository.folder)
    yield made
    made.engine.dispose()


def test_the_first_poll_ever_finds_the_head(polling, repository):
    repository.commit("one")
    head = repository.commit("two", file="x")
    told, changes = polling.poll()
    assert told == (f"1 new commit on main, up to {head[:10]} (two)", False)
    assert changes == ["*two"]
    (change,) = polling.changes
    assert (change["revision"], change["branch"], change["files"]) == (head, "main", ["file"])
    assert (change["project"], change["repository"]) == ("almanac", str(repository.folder))
    assert change["author"] == "Ann <ann@example.org>"


def test_nothing_new_nothing_happens(polling, repository):
    polling.started(repository.commit())
    assert polling.poll() == (("nothing new on main", False), [])


def test_a_push_of_several_is_one_head(polling, repository):
    polling.started(repository.commit("one"))
    repository.commit("two")
    head = repository.commit("three")
    told, changes = polling.poll()
    assert told == (f"2 new commits on main, up to {head[:10]} (three)", False)
    assert changes == ["two", "*three"]


def test_the_run_is_there_before_the_outcome_is_told(polling, repository):
    head = repository.commit("one")
    assert polling.poll()[1] == ["*one"]
    ((commit, cause),) = polling.runs
    assert (commit.branch, commit.revision, cause.trigger) == ("main", head, "poll")
    assert polling.poll() == (("nothing new on main", False), [])


def test_a_poll_that_could_not_start_its_run_finds_it_again(polling, repository, monkeypatch):
    async def broken(commit, cause):
        raise RuntimeError("the database is gone")

    repository.commit("one")
    monkeypatch.setattr(polling, "begin_run", broken)
    with pytest.raises(RuntimeError):
        polling.poll()
    with LedgerSession(polling.engine) as session:
        poll = session.get_one(Poll, "almanac")
        assert (poll.failed, "the database is gone" in poll.outcome) == (True, True)
    monkeypatch.undo()
    monkeypatch.setattr(module, "threads", Threads)
    assert polling.poll()[1] == ["*one"]


def test_the_runs_it_started_are_kept_with_it(polling, repository):
    repository.commit("one")
    before = time.time()
    polling.poll()
    with LedgerSession(polling.engine) as session:
        kept = session.get_one(Poll, "almanac")
        assert before <= kept.began_at <= kept.polled_at <= time.time()
        assert kept.runs == [1]
    polling.poll()
    with LedgerSession(polling.engine) as session:
        assert session.get_one(Poll, "almanac").runs == []


def test_rewritten_history_is_a_new_head(polling, repository):
    polling.started(repository.commit("one"))
    polling.poll()
    repository.git("commit", "--amend", "-m", "one again")
    assert polling.poll()[1] == ["*one again"]


def test_each_branch_is_looked_at(polling, repository):
    polling.poller.branches = ("main", "next")
    polling.started(repository.commit("one"))
    repository.git("checkout", "--quiet", "-b", "next")
    repository.commit("two")
    (outcome, _), changes = polling.poll()
    assert outcome.startswith("1 new commit on next")
    assert changes == ["*two"]


def on(repository, branch, subject):
    """Commit on a branch of its own, then go back to main."""
    known = branch in repository.git("branch", "--format=%(refname:short)").split()
    repository.git("checkout", "--quiet", *(() if known else ("-b",)), branch)
    revision = repository.commit(subject)
    repository.git("checkout", "--quiet", "main")
    return revision


def test_a_version_that_nobody_tells_is_told(polling, repository):
    text = '[project]\nname = "x"\ndynamic = ["version"]\n'
    repository.commit("one", pyproject__toml=text)
    (outcome, failed), _ = polling.poll()
    assert not failed
    assert ', as version 0.0.0: pyproject.toml says dynamic = ["version"], and nothing' in outcome
    repository.git("tag", "v1.5.0")
    repository.commit("two")
    (outcome, _), _ = polling.poll()
    assert "0.0.0" not in outcome
    assert polling.runs[0][0].base_version == "1.5.0"


def test_one_bad_branch_does_not_stop_the_others(polling, repository):
    repository.commit("one")
    on(repository, "next", "two")
    polling.poller.branches = ("gone", "main", "-x", "next")
    (outcome, failed), changes = polling.poll()
    assert changes == ["*one", "*two"]
    assert failed
    assert outcome.startswith("1 new commit on main, up to ")
    assert "1 new commit on next, up to " in outcome
    assert 'has no branch, tag or commit "gone"; its branches are main, next' in outcome
    assert '"-x" cannot be the name of a branch' in outcome
    assert polling.poll()[1] == []


def test_of_a_pattern_a_push_starts_the_first_run(polling, repository):
    repository.commit("one")
    on(repository, "feature/old", "old")
    polling.poller.branches = ("main", "feature/*")
    assert polling.poll()[1] == ["*one"]
    assert polling.poll() == (("nothing new on main, feature/*", False), [])
    on(repository, "feature/old", "pushed")
    assert polling.poll()[1] == ["*pushed"]
    assert polling.poll()[1] == []


def test_a_branch_that_a_pattern_means_may_come_later(polling, repository):
    repository.commit("one")
    polling.poller.branches = ("feature/*",)
    assert polling.poll() == (("nothing new on feature/*", False), [])
    on(repository, "feature/new/of/ann", "new")
    on(repository, "other", "not meant")
    (outcome, _), changes = polling.poll()
    assert changes == ["*new"]
    assert outcome.startswith("1 new commit on feature/new/of/ann, up to ")
    ((commit, cause),) = polling.runs
    assert (commit.branch, cause.trigger) == ("feature/new/of/ann", "poll")
    assert polling.poll()[1] == []


def test_a_branch_that_was_deleted_and_comes_again_is_new(polling, repository):
    repository.commit("one")
    on(repository, "feature/a", "old")
    polling.poller.branches = ("feature/*",)
    polling.poll()
    repository.git("branch", "-D", "feature/a")
    assert polling.poll()[1] == []
    on(repository, "feature/a", "again")
    assert polling.poll()[1] == ["*again"]


def test_a_pattern_that_comes_later_notes_what_is_there(polling, repository):
    repository.commit("one")
    on(repository, "fix/a", "a fix")
    polling.poller.branches = ("main", "feature/*")
    polling.poll()
    polling.poller.branches = ("main", "feature/*", "fix/*")
    assert polling.poll()[1] == []
    on(repository, "fix/b", "another")
    assert polling.poll()[1] == ["*another"]


def test_a_push_of_many_branches_is_taken_in_parts(polling, repository, monkeypatch):
    monkeypatch.setattr(module, "MOST_RUNS", 2)
    repository.commit("one")
    polling.poller.branches = ("main", "feature/*")
    polling.poll()
    for number in range(5):
        on(repository, f"feature/{number}", f"new {number}")
    (outcome, failed), changes = polling.poll()
    assert (len(changes), failed) == (2, False)
    assert outcome.endswith("; 3 more branches with news wait for the next poll")
    assert len(polling.poll()[1]) == 2
    assert len(polling.poll()[1]) == 1
    assert polling.poll()[1] == []


def test_a_missing_branch_is_written_down(polling, repository):
    repository.commit()
    polling.poller.branches = ("man",)
    (outcome, failed), changes = polling.poll()
    assert 'has no branch, tag or commit "man"; its branches are main' in outcome
    assert (failed, changes) == (True, [])


def test_a_missing_repository_is_written_down(polling, tmp_path):
    polling.poller.mirror.repository = str(tmp_path / "nowhere")
    (outcome, failed), changes = polling.poll()
    assert "cannot be read" in outcome
    assert (failed, changes) == (True, [])


@pytest.mark.parametrize(
    ("project", "category", "heard"),
    [
        ("almanac", None, True),
        ("almanac", "a hook's", True),
        ("almanac", POLLED, False),
        ("pantry", None, False),
        ("", None, False),
    ],
)
def test_a_scheduler_hears_changes_of_other_sources_alone(project, category, heard):
    change = SimpleNamespace(project=project, category=category)
    assert ChangesFromElsewhere("almanac").filter_change(change) is heard
