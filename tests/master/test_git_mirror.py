"""The mirror of a repository, against real ones."""

import pytest

from slipway.git_mirror import Mirror, facts
from slipway.model.errors import WrongInput


@pytest.fixture
def mirror(tmp_path, repository):
    return Mirror(
        tmp_path / "state" / "m.git", str(repository.folder), "project.almanac.repository"
    )


def subjects(commits):
    return [commit.subject for commit in commits]


def test_a_commit_is_told(mirror, repository):
    sha = repository.commit("the first: é")
    mirror.fetch()
    found = mirror.resolve("main")
    assert found == facts(repository.folder, "HEAD")
    assert (found.revision, found.subject) == (sha, "the first: é")
    assert found.author == "Ann <ann@example.org>"
    assert found.committed_at == int(repository.git("log", "-1", "--format=%ct"))


def test_branches_come_and_go(mirror, repository):
    repository.commit()
    repository.git("branch", "release/1.x")
    mirror.fetch()
    assert mirror.branches() == ["main", "release/1.x"]
    repository.git("branch", "-D", "release/1.x")
    mirror.fetch()
    assert mirror.branches() == ["main"]


def test_a_branch_is_meant_before_a_tag_and_a_revision_will_do(mirror, repository):
    first = repository.commit("one")
    repository.git("tag", "main")
    repository.git("tag", "-a", "v1", "-m", "signed off")
    second = repository.commit("two")
    mirror.fetch()
    assert mirror.resolve("main").revision == second
    assert mirror.resolve("v1").revision == first
    assert mirror.resolve(first[:12]).revision == first


@pytest.mark.parametrize("name", ["nowhere", "0" * 40, "HEAD", "HEAD@1", "main/x"])
def test_what_is_not_there_is_told(mirror, repository, name):
    repository.commit()
    mirror.fetch()
    with pytest.raises(WrongInput) as caught:
        mirror.resolve(name)
    assert str(caught.value) == (
        f'project.almanac.repository: the repository "{repository.folder}" has no branch, tag or '
        f'commit "{name}"; its branches are main'
    )


def test_a_repository_without_commits_is_told(mirror):
    mirror.fetch()
    with pytest.raises(WrongInput, match="has no commits; make the first one"):
        mirror.resolve("main")


def test_a_repository_that_is_not_there_is_told(tmp_path):
    gone = Mirror(tmp_path / "m.git", str(tmp_path / "nowhere"), "project.almanac.repository")
    with pytest.raises(WrongInput) as caught:
        gone.fetch()
    assert str(caught.value).startswith(
        f'project.almanac.repository: the repository "{tmp_path / "nowhere"}" cannot be read: fatal'
    )
    assert str(caught.value).endswith("write a git URL or the path of a git repository")


@pytest.mark.slow
def test_what_lies_between_comes_oldest_first(mirror, repository):
    first = repository.commit("one")
    repository.commit("two")
    last = repository.commit("three")
    mirror.fetch()
    assert subjects(mirror.between(first, last)) == ["two", "three"]
    assert subjects(mirror.between(first, last, limit=1)) == ["three"]
    assert subjects(mirror.between(None, last)) == ["three"]
    assert subjects(mirror.between(last, last)) == ["three"]
    assert subjects(mirror.between(last, first)) == ["one"]


@pytest.mark.slow
def test_rewritten_history_counts_as_news(mirror, repository):
    repository.commit("one")
    old = repository.commit("two")
    mirror.fetch()
    repository.git("commit", "--amend", "-m", "two again")
    new = repository.git("rev-parse", "HEAD")
    mirror.fetch()
    assert mirror.resolve("main").revision == new
    assert subjects(mirror.between(old, new)) == ["two again"]
    assert subjects(mirror.between("f" * 40, new)) == ["two again"]


@pytest.mark.parametrize("strange", ["\x0c", "\x0b", "\x1c", "\x85", "\u2028"])
def test_a_subject_may_hold_strange_spaces(mirror, repository, strange):
    first = repository.commit("one")
    last = repository.commit(f"two{strange}words")
    mirror.fetch()
    assert [commit.revision for commit in mirror.between(first, last)] == [last]


def test_the_files_of_a_commit(mirror, repository):
    first = repository.commit(a="1", b="1")
    second = repository.commit(b="2", ä="1")
    mirror.fetch()
    assert mirror.files(first) == ["a", "b"]
    assert mirror.files(second) == ["b", "ä"]


@pytest.mark.slow
def test_the_files_of_a_merge(mirror, repository):
    repository.commit(a="1")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit(b="1")
    repository.git("checkout", "--quiet", "main")
    repository.commit(c="1")
    repository.git("merge", "--quiet", "--no-ff", "side", "-m", "both")
    mirror.fetch()
    assert mirror.files(repository.git("rev-parse", "HEAD")) == ["b", "c"]


@pytest.mark.slow
def test_the_version_is_the_revisions_own(mirror, repository):
    bare = repository.commit("no version")
    repository.git("tag", "v0.9")
    later = repository.commit("later")
    written = repository.commit("written", pyproject__toml='[project]\nversion = "1.4.0"\n')
    mirror.fetch()
    assert [mirror.version(one).text for one in (bare, later, written)] == ["0.9", "0.9", "1.4.0"]


@pytest.mark.slow
def test_a_branch_holds_its_own_commits_and_no_others(mirror, repository):
    first = repository.commit("one")
    repository.git("checkout", "--quiet", "-b", "feature/x")
    other = repository.commit("elsewhere")
    repository.git("checkout", "--quiet", "main")
    second = repository.commit("two")
    mirror.fetch()
    assert [mirror.holds("main", one) for one in (first, second, other)] == [True, True, False]
    assert [mirror.holds("feature/x", one) for one in (first, second)] == [True, False]
    for branch, revision in (("no", first), ("--all", first), ("main", "-x"), ("main", "0" * 40)):
        assert not mirror.holds(branch, revision)


def test_changes_are_those_since_a_revision_without_merges(mirror, repository):
    first = repository.commit("The first")
    repository.git("checkout", "--quiet", "-b", "side")
    side = repository.commit("a\tb \x1b[31m'; --all")
    repository.git("checkout", "--quiet", "main")
    broken = repository.commit("feat: another\n\nBREAKING CHANGE: the port")
    message = repository.folder / "message"
    message.write_text("x" * 5_000_000 + "\n\n" + "y" * 1_000_000)
    repository.git("commit", "--quiet", "--allow-empty", "--file", str(message))
    huge = repository.git("rev-parse", "HEAD")
    repository.git("merge", "--quiet", "-s", "ours", "--no-ff", "-m", "Merge branch 'side'", "side")
    head = repository.git("rev-parse", "HEAD")
    mirror.fetch()
    found = {one.revision: one for one in mirror.changes(first, head, 100)}
    assert set(found) == {huge, broken, side}
    assert [sha for sha, one in found.items() if one.breaking] == [broken]
    assert len(found[huge].subject) <= 300
    assert found[side].subject.startswith("a")
    assert {one.author for one in found.values()} == {"Ann"}
    assert len(mirror.changes(None, head, 100)) == 4
    # A history that was rewritten no longer has what was released.
    assert len(mirror.changes("ab" * 20, head, 100)) == 4
    assert len(mirror.changes(None, head, 1)) == 1
    assert mirror.changes(head, head, 100) == []
