"""Publications: what each target has of a release, and only forward."""

import pytest
from sqlalchemy import select

from slipway.ledger import deployments, publications, run_state, runs
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.tables.publications import Publication, PublishedFile
from slipway.ledger.tables.runs import Release
from slipway.model.protocol.delivery import Ended, News
from slipway.model.states import FileState, PublicationState, StageState
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget

MIRROR = FolderTarget(kind="folder", name="mirror", path="a")
WWW = FolderTarget(kind="folder", name="www", path="b")
HASH = "a" * 64


@pytest.fixture
def going(walk, session):
    made = walk(publish=[])
    made.advance()
    runs.keep_release(
        session, made.run, {"folder": "/r/1", "manifest_sha256": "0" * 64}, [], 1000.0
    )
    session.flush()
    return made


def attempt(going):
    return going.run.stages[-1]


def begin(going, *targets, now=1000.0):
    release = going.session.scalars(select(Release)).one()
    publications.begin(going.session, release, attempt(going).id, targets, 3, now)


def told(state, name="a.zip"):
    return News({name: (HASH, FileState(state))})


def record(going, now=1001.0, **news):
    publications.record(going.session, attempt(going).id, news, now)
    going.session.flush()


def rows(session):
    query = select(Publication).order_by(Publication.id)
    return {one.target: one for one in session.scalars(query)}


def states(session):
    query = select(PublishedFile).order_by(PublishedFile.id)
    return [(one.publication.target, one.name, one.reached) for one in session.scalars(query)]


def test_a_release_comes_to_its_targets(going, session):
    begin(going, MIRROR, WWW)
    assert {one.state for one in rows(session).values()} == {PublicationState.RUNNING}
    record(going, mirror=told("staged"))
    record(going, mirror=told("verified"), www=told("staged"))
    record(going, mirror=told("public"))
    record(going, 1005.0, mirror=News(ended=Ended("/srv/a")), www=News(ended=Ended(error="no")))
    mirror, www = rows(session)["mirror"], rows(session)["www"]
    assert (mirror.state, mirror.place, mirror.error) == (PublicationState.PUBLIC, "/srv/a", "")
    assert (www.state, www.place, www.error) == (PublicationState.FAILED, "", "no")
    assert (mirror.started_at, mirror.finished_at, mirror.files) == (1000.0, 1005.0, 3)
    assert states(session) == [("mirror", "a.zip", "public"), ("www", "a.zip", "staged")]


def test_states_of_files_never_go_back(going, session):
    begin(going, MIRROR)
    for state in ("public", "staged", "absent", "verified"):
        record(going, mirror=told(state))
    assert states(session) == [("mirror", "a.zip", "public")]


def test_run_again_it_goes_on_where_it_was(going, session):
    begin(going, MIRROR, WWW)
    ends = {"mirror": News(told("public").files, Ended("/srv/a")), "www": told("staged")}
    record(going, **ends)
    publications.close(session, attempt(going), 1002.0)
    www = rows(session)["www"]
    assert (www.state, www.error) == (PublicationState.FAILED, publications._SILENT)
    begin(going, MIRROR, WWW, now=2000.0)
    assert {one.state for one in rows(session).values()} == {PublicationState.RUNNING}
    assert {one.error for one in rows(session).values()} == {""}
    assert rows(session)["mirror"].place == "/srv/a"
    record(going, 2001.0, www=News(told("public").files, Ended("/srv/b")))
    assert states(session) == [("mirror", "a.zip", "public"), ("www", "a.zip", "public")]
    assert len(rows(session)) == 2


def test_what_is_told_of_other_targets_or_by_another_attempt_is_left_out(going, session):
    begin(going, MIRROR)
    record(going, other=told("public"))
    publications.record(session, 4711, {"mirror": told("public")}, 1001.0)
    assert states(session) == []


def test_what_is_told_after_the_end_changes_nothing(going, session):
    begin(going, MIRROR)
    record(going, mirror=News(ended=Ended(error="no")))
    record(going, mirror=News(told("public").files, Ended("/srv/a")))
    assert (rows(session)["mirror"].state, states(session)) == (PublicationState.FAILED, [])


def test_a_stopped_stage_stops_its_publications(going, session):
    begin(going, MIRROR)
    record(going, mirror=told("staged"))
    runs.cancel(attempt(going), "cancelled by ann", 1002.0)
    publications.stop(session, attempt(going), 1002.0)
    mirror = rows(session)["mirror"]
    assert (mirror.state, mirror.error) == (PublicationState.CANCELLED, "cancelled by ann")
    assert mirror.finished_at == 1002.0


def test_each_outcome_is_in_the_trail_and_files_are_not(going, session):
    begin(going, MIRROR)
    record(going, mirror=told("staged"))
    record(going, mirror=News(told("public").files, Ended("/srv/a")))
    session.flush()
    query = select(AuditRow).where(AuditRow.entity == "publication").order_by(AuditRow.id)
    found = [(one.action, one.new.get("state"), one.summary) for one in session.scalars(query)]
    title = "release 1.4.0+1 at mirror"
    assert found[0] == ("insert", "running", title)
    assert found[-1] == ("update", "public", title)
    assert len(found) == 2


def test_publications_go_with_their_run(going, session):
    begin(going, MIRROR)
    record(going, mirror=told("staged"))
    session.commit()
    for one in (*session.scalars(select(Publication)), *session.scalars(select(Release))):
        session.delete(one)
    session.delete(going.run)
    session.flush()
    assert (rows(session), states(session)) == ({}, [])


# ---- nothing to release


class Releasing:
    """Runs of one branch, each with files and its release."""

    def __init__(self, session, walk):
        self.session, self.walk = session, walk

    def make(self, files, *, state="passed", released=True):
        going = self.walk(pack=[], publish=["pack"])
        going.advance()
        going.end("pack", artefacts=[(one, "product") for one in files])
        contents = run_state.inputs(going.run, going.stages["publish"])
        if released:
            facts = {"folder": f"/r/{going.run.number}", "manifest_sha256": "0" * 64}
            runs.keep_release(self.session, going.run, facts, contents, 1000.0)
            going.end("publish", state)
        self.session.flush()
        return going

    def alike(self, going, *targets):
        contents = [one for _, one in run_state.inputs(going.run, going.stages["publish"])]
        result = run_state.counting(going.run)["publish", ""]
        return publications.unchanged_since(self.session, result, contents, targets)

    def bring(self, going, *targets):
        """Have the release at these targets."""
        release, result = going.run.releases[0], going.run.stages[-1]
        publications.begin(self.session, release, result.id, targets, 3, 1000.0)
        news = {one.title: News({}, Ended("there")) for one in targets}
        publications.record(self.session, result.id, news, 1001.0)
        self.session.flush()


@pytest.fixture
def releasing(session, walk):
    return Releasing(session, walk)


def test_the_same_files_are_nothing_to_release(releasing):
    assert releasing.alike(releasing.make(["a.zip", "b.zip"])) is None
    second = releasing.make(["a.zip", "b.zip"], released=False)
    release, made = releasing.alike(second)
    assert (release.run.number, made.run.number, made.name) == (1, 1, "publish")


@pytest.mark.parametrize("files", [["a.zip"], ["a.zip", "b.zip", "c.zip"], ["a.zip", "x.zip"]])
def test_other_files_are_something_to_release(releasing, files):
    releasing.make(["a.zip", "b.zip"])
    assert releasing.alike(releasing.make(files, released=False)) is None


def test_a_release_that_is_not_at_its_targets_is_none(releasing):
    releasing.make(["a.zip"], state="failed")
    assert releasing.alike(releasing.make(["a.zip"], released=False)) is None


def test_a_release_that_lacks_a_new_target_is_brought_there_as_another_one(releasing):
    first = releasing.make(["a.zip"])
    releasing.bring(first, MIRROR)
    second = releasing.make(["a.zip"], released=False)
    assert releasing.alike(second, "mirror", "www") is None
    assert releasing.alike(second, "mirror") is not None
    releasing.bring(first, WWW)
    assert releasing.alike(second, "mirror", "www") is not None


def test_the_last_release_counts_and_not_one_before(releasing):
    releasing.make(["a.zip"])
    releasing.make(["b.zip"])
    assert releasing.alike(releasing.make(["a.zip"], released=False)) is None


def test_another_version_is_something_to_release(releasing, session):
    releasing.make(["a.zip"])
    second = releasing.make(["a.zip"], released=False)
    second.run.version = "1.5.0+2"
    assert releasing.alike(second) is None


def test_the_version_may_be_a_part_of_the_name():
    named = publications._named
    assert named("a-1.4.0+7.zip", "1.4.0+7", HASH) == named("a-1.4.0+8.zip", "1.4.0+8", HASH)
    assert named("a-1.4.0.zip", "1.4.0+7", HASH) != named("b-1.4.0.zip", "1.4.0+8", HASH)


def test_an_unchanged_stage_is_done_and_stands_for_the_last_release(releasing, session):
    first = releasing.make(["a.zip"])
    second = releasing.make(["a.zip"], released=False)
    _, made = releasing.alike(second)
    result = run_state.counting(second.run)["publish", ""]
    runs.begin(result, 1, "local", 1002.0)
    result.borrowed = made
    runs.finish(result, StageState.UNCHANGED, 1003.0, 0)
    runs.settle(second.run, second.stages, 1003.0)
    assert second.run.state == "passed"
    assert deployments.release_of(session, second.run) is first.run.releases[0]
    assert deployments.release_of(session, first.run) is first.run.releases[0]


# ---- removed by keep


def newer(walk, going):
    """Return another run of the project whose release is public at MIRROR."""
    other = walk(publish=[])
    other.advance()
    runs.keep_release(
        other.session, other.run, {"folder": "/r/2", "manifest_sha256": "1" * 64}, [], 2000.0
    )
    other.session.flush()
    release = other.session.scalars(select(Release).where(Release.run_id == other.run.id)).one()
    publications.begin(other.session, release, other.run.stages[-1].id, [MIRROR, WWW], 3, 2000.0)
    publications.record(
        other.session, other.run.stages[-1].id, {"mirror": News(ended=Ended("/srv/b"))}, 2001.0
    )
    return other


def remove(other, version, target="mirror", now=2002.0):
    news = {target: News(removed=[version])}
    publications.record(other.session, other.run.stages[-1].id, news, now)
    other.session.flush()


def test_what_keep_lets_go_is_removed_and_may_come_again(walk, going, session):
    begin(going, MIRROR, WWW)
    record(going, mirror=told("public"), www=told("public"))
    record(going, 1005.0, mirror=News(ended=Ended("/srv/a")), www=News(ended=Ended("/www")))
    remove(newer(walk, going), going.run.version)
    release = session.scalars(select(Release).where(Release.run_id == going.run.id)).one()
    first = {
        one.target: one
        for one in session.scalars(select(Publication).where(Publication.release_id == release.id))
    }
    mirror = first["mirror"]
    assert (mirror.state, mirror.place, mirror.finished_at) == ("removed", "", 2002.0)
    assert [one.reached for one in mirror.states] == [FileState.REMOVED]
    assert first["www"].state == PublicationState.PUBLIC, "it is another target"
    assert publications.places(session, release) == ["www"]
    # A person publishes it again.
    publications.begin(session, release, attempt(going).id, [MIRROR], 3, 3000.0)
    for state, expected in (("staged", "staged"), ("absent", "staged"), ("public", "public")):
        record(going, 3001.0, mirror=told(state))
        assert [one.reached for one in mirror.states] == [expected]
    record(going, 3002.0, mirror=News(ended=Ended("/srv/a")))
    assert (mirror.state, mirror.place) == (PublicationState.PUBLIC, "/srv/a")
    actions = [
        one.new.get("state")
        for one in session.scalars(
            select(AuditRow).where(
                AuditRow.entity == "publication", AuditRow.entity_id == str(mirror.id)
            )
        )
        if one.new
    ]
    assert "removed" in actions


def test_what_is_on_its_way_and_what_others_have_is_not_removed(walk, going, session):
    begin(going, MIRROR)
    other = newer(walk, going)
    remove(other, going.run.version)
    remove(other, "0.0.0")
    remove(other, going.run.version, target="www")
    assert {one.state for one in session.scalars(select(Publication))} == {
        PublicationState.RUNNING,
        PublicationState.PUBLIC,
    }


def test_a_target_of_that_name_of_another_stage_is_another_place(walk, going, session):
    begin(going, MIRROR)
    record(going, 1005.0, mirror=News(ended=Ended("/srv/a")))
    other = newer(walk, going)
    other.run.stages[-1].name = "publish-elsewhere"
    session.flush()
    remove(other, going.run.version)
    assert rows(session)["mirror"].state == PublicationState.PUBLIC
