"""What a worker tells of targets: only of its own release, of its own targets, and forward."""

import pytest

from slipway.model.protocol.delivery import Deliveries, Ended, News
from slipway.model.protocol.event import TargetEnded, TargetFile, TargetRemoved
from slipway.model.protocol.job import Input, Job, MadeRelease, RunFacts
from slipway.model.states import FileState

HASHES = {"a.zip": "a" * 64, "release.json": "b" * 64}


def job(*targets, release=True, **stage):
    files = tuple(
        Input(stage="pack", uses="archive", name=name, path=name, sha256=digest, size=1)
        for name, digest in HASHES.items()
    )
    made = MadeRelease(manifest_sha256="b" * 64, files=files)
    found = [{"kind": "folder", "name": one, "path": one} for one in targets]
    run = RunFacts(number=7, revision="ab" * 20, branch="main", committed_at=1, version="1+7")
    return Job(
        project="almanac",
        name="publish",
        stage={"uses": "publish", "needs": ["pack"], "targets": found} | stage,
        run=run,
        release=made if release else None,
        output="o",
        cache="c",
        state="s",
    )


def file(state, name="a.zip", target="www", sha256=None):
    digest = sha256 or HASHES.get(name, "a" * 64)
    return TargetFile(target=target, file=name, sha256=digest, state=state)


def ended(state="public", target="www", place="/srv", text=""):
    return TargetEnded(target=target, state=state, place=place, text=text)


def test_what_is_new_is_given_once():
    told = Deliveries(job("www", "mirror"))
    told.take(file("staged"))
    told.take(file("verified"))
    told.take(file("staged", target="mirror"))
    assert told.news() == {
        "www": News({"a.zip": ("a" * 64, FileState.VERIFIED)}),
        "mirror": News({"a.zip": ("a" * 64, FileState.STAGED)}),
    }
    assert told.news() == {}
    for state in ("absent", "staged", "verified"):
        told.take(file(state))
    assert told.news() == {}


def gone(version="0.9", target="www"):
    return TargetRemoved(target=target, version=version)


def keeping(**changes):
    target = {"kind": "folder", "name": "www", "path": "www", "keep": {"latest": 1}}
    return job(targets=[target]).model_copy(update={"protected": ("0.5",), **changes})


def come(told):
    for name in HASHES:
        told.take(file("public", name))
    told.take(ended())
    told.news()
    return told


def test_what_was_removed_is_told_once():
    told = come(Deliveries(keeping()))
    for version in ("0.8", "0.9", "0.8"):
        told.take(gone(version))
    assert told.news() == {"www": News(removed=["0.8", "0.9"])}
    told.take(gone("0.9"))
    assert told.news() == {}


@pytest.mark.parametrize(
    ("event", "changes", "why"),
    [
        (gone("0.5"), {}, "removes 0.5 from www, where it has to stay"),
        (gone("1+7"), {}, r"removes 1\+7 from www, where it has to stay"),
        (gone(target="shop"), {}, 'tells of the target "shop"; the stage has www'),
        (gone(), {"protected": None}, "removes 0.9 from www, which has no keep"),
    ],
    ids=["protected", "own", "foreign", "unasked"],
)
def test_removals_that_nobody_asked_for_are_refused(event, changes, why):
    told = come(Deliveries(keeping(**changes)))
    with pytest.raises(ValueError, match=why):
        told.take(event)
    assert told.news() == {}


def test_nothing_is_removed_before_the_release_is_there():
    told = Deliveries(keeping())
    with pytest.raises(ValueError, match="before its own is there"):
        told.take(gone())
    told.take(ended("failed", place="", text="no"))
    with pytest.raises(ValueError, match="before its own is there"):
        told.take(gone())


def test_no_more_removals_are_kept_than_a_stage_can_have():
    told = come(Deliveries(keeping()))
    for number in range(10_000):
        told.take(gone(f"v{number}"))
    with pytest.raises(ValueError, match="removes more than 10,000 releases"):
        told.take(gone("one more"))


def test_a_file_is_not_removed_by_itself():
    with pytest.raises(ValueError, match="a file is removed with its release alone"):
        file("removed")


def test_a_target_ends_when_all_of_it_is_public():
    told = Deliveries(job("www"))
    assert told.failed == ["www"]
    for name in HASHES:
        told.take(file("public", name))
    told.take(ended())
    assert told.failed == []
    assert told.news()["www"].ended == Ended("/srv")


def test_a_target_that_failed_says_why_and_has_no_place():
    told = Deliveries(job("www", "mirror"))
    told.take(ended("failed", text="no room"))
    told.take(ended("failed", target="mirror"))
    news = told.news()
    assert news["www"].ended == Ended("", "no room")
    assert news["mirror"].ended == Ended("", "it does not say why")
    assert told.failed == ["www", "mirror"]


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([file("staged", target="other")], 'of the target "other"; the stage has www'),
        ([ended(target="other")], 'of the target "other"; the stage has www'),
        ([file("staged", "b.zip")], '"b.zip", which is no file of the release'),
        ([file("public", sha256="c" * 64)], f"with sha256 {'c' * 64}; the release's is {'a' * 64}"),
        ([file("staged", sha256="c" * 64)], "is staged at www with sha256 c"),
        ([ended()], "only 0 of its 2 files are"),
        ([file("public"), ended()], "only 1 of its 2 files are"),
        ([file("public"), file("verified", "release.json"), ended()], "only 1 of its 2"),
        ([ended("failed"), file("public")], 'of the target "www" after its end'),
        ([ended("failed"), ended("failed")], 'of the target "www" after its end'),
    ],
)
def test_what_cannot_be_so_is_refused(events, why):
    told = Deliveries(job("www"))
    for event in events[:-1]:
        told.take(event)
    with pytest.raises(ValueError, match=r"^[^\n]+$") as found:
        told.take(events[-1])
    assert why in str(found.value)


def test_an_absent_file_may_be_another_one():
    told = Deliveries(job("www"))
    told.take(file("absent", sha256="c" * 64))
    assert told.news() == {}


@pytest.mark.parametrize("made", [job(), job("www", release=False)])
def test_without_release_or_targets_nothing_can_be_told(made):
    with pytest.raises(ValueError, match="the script tells of"):
        Deliveries(made).take(file("staged"))


def test_however_much_is_told_little_is_kept():
    told = Deliveries(job("www"))
    for _ in range(20_000):
        for state in ("staged", "verified", "absent"):
            told.take(file(state))
    assert told.news() == {"www": News({"a.zip": ("a" * 64, FileState.VERIFIED)})}
