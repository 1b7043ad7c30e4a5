"""What reaches git from outside: never an option, never a program, never another kind of URL."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from slipway.config import ConfigProblems, parse
from slipway.git_mirror import Mirror
from slipway.model.errors import WrongInput
from slipway.model.git_names import check_name, check_repository, check_revision, matches
from slipway.model.protocol.job import Source
from tests.attack.repositories import plain

SITE = """
[project.demo]
repository = {repository}
branches = [{branch}]
[project.demo.stages.unit]
uses = "command"
argv = ["true"]
[workers.local]
"""
REPOSITORIES = [
    "--upload-pack=touch hurt;:y",
    "--upload-pack=touch hurt",
    "-u./hurt.sh",
    "--exec=touch hurt:x",
    "ext::sh -c touch% hurt",
    "ext::./hurt.sh",
    "fd::17",
    "EXT::sh -c touch% hurt",
    "foo::https://example.org/x",
    "ext://sh",
    "ftp://example.org/x",
    "HTTPS://example.org/x",
    "javascript://example.org/x",
    "ssh://-oProxyCommand=touch%20hurt/x",
    "ssh://%2DoProxyCommand=touch%20hurt/x",
    "ssh://-oProxyCommand=touch hurt@example.org/x",
    "ssh://%2doProxyCommand=x@example.org/x",
    "ssh://example.org:0/x",
    "ssh://example.org:99999/x",
    "ssh://example.org:-oProxyCommand=x/x",
    "ssh:///x",
    "-oProxyCommand=touch hurt:x",
    "git@-oProxyCommand=touch hurt:x",
    "-ogit@example.org:x",
    "git@example.org:-x",
    "git@example.org:",
    "exa mple.org:x",
    "a;touch hurt:x",
    "`touch hurt`:x",
    "$(touch hurt):x",
    "git://example.org/x%0Ahost=elsewhere",
    "git://example.org:9418/x\nhost=elsewhere",
    "https://example.org/x y",
    "https://[::1/x",
    "https://exa\x1bmple.org/x",
    "https://example.org/\u202ex",
    "path\nwith a line",
    "path\0nul",
    "",
    "x" * 2001,
    "\x1b]0;title\x07",
]
GOOD = [
    "https://example.org/x.git",
    "https://user@example.org:8443/x.git",
    "http://[::1]:8080/x",
    "ssh://git@example.org:2222/~ann/x.git",
    "git://example.org/x",
    "file:///srv/x.git",
    "git@example.org:team/x.git",
    "git@[2001:db8::1]:team/x.git",
    "[::1]:x",
    "example.org:x",
    "host_with_underscore:x",
    "../x",
    "./--upload-pack=x",
    "/srv/with space/x:y",
    "/srv/é",
    "~/x",
]
NAMES = [
    "--all",
    "-x",
    "--upload-pack=touch hurt",
    "--output=hurt",
    "-",
    "",
    " ",
    "a b",
    "main:file",
    ":/text",
    ":(top)x",
    "HEAD~3",
    "main^{/x}",
    "main^0",
    "@{u}",
    "@{-1}",
    "@",
    "a..b",
    "..",
    "/a",
    "a/",
    "a//b",
    ".a",
    "a/.b",
    "a.lock",
    "a.lock/b",
    "a.",
    "a?",
    "a*",
    "a[b",
    "a\\b",
    "a\nb",
    "a\0b",
    "a\x7f",
    "a\u202eb",
    "\ud800",
    "x" * 256,
]


@pytest.mark.parametrize("repository", REPOSITORIES)
def test_what_is_no_repository_is_refused_before_git_is_run(place, repository):
    with pytest.raises(ValueError, match="cannot be a repository: "):
        check_repository(repository)
    with pytest.raises(WrongInput, match=r"^project\.demo\.repository: .* cannot be a repository"):
        Mirror(place / "m.git", repository, "project.demo.repository").fetch()
    assert not (place / "m.git").exists()
    with pytest.raises(ValidationError, match="cannot be a repository"):
        Source(repository=repository, revision="0" * 40)


@pytest.mark.parametrize("repository", [one for one in REPOSITORIES if one.isprintable()])
def test_a_site_with_it_is_refused_with_its_line(repository):
    text = SITE.format(repository=f"'''{repository}'''", branch='"main"')
    with pytest.raises(ConfigProblems) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (3, "project.demo.repository")
    assert "\n" not in str(problem)


@pytest.mark.parametrize("repository", GOOD)
def test_what_is_one_is_taken(repository):
    assert check_repository(repository) == repository


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_name_is_refused_before_git_is_run(repository, place, name):
    with pytest.raises(ValueError, match="cannot be the name of a branch, tag or commit: "):
        check_name(name)
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    mirror.fetch()
    with pytest.raises(WrongInput, match="cannot be the name of a branch, tag or commit"):
        mirror.resolve(name)


@pytest.mark.parametrize("name", [one for one in NAMES if one.isprintable() and one != "a*"])
def test_a_site_with_such_a_branch_is_refused(name):
    text = SITE.format(repository='"x"', branch=f"'{name}'")
    with pytest.raises(
        ConfigProblems, match=r"pipeline.toml:4: project.demo.branches\[0\]: .*cannot"
    ):
        parse(text)


@pytest.mark.parametrize("name", ["*", "feature/*", "*-stable", "a*b*c", "v1.*"])
def test_a_site_may_have_patterns(name):
    project = parse(SITE.format(repository='"x"', branch=f"'{name}'")).project["demo"]
    assert (project.branches, project.default_branch) == ((name,), "")


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("feature/*", "feature/a/b", True),
        ("feature/*", "feature/", True),
        ("feature/*", "afeature/b", False),
        ("*.x", "1.x", True),
        ("*.x", "1yx", False),
        ("main", "main", True),
        ("main", "mainly", False),
        ("a*" * 100 + "b", "a" * 250, False),
        ("a*a", "a", False),
        ("a*b*a", "aba", True),
        ("a*bb*b", "abb", False),
    ],
)
def test_a_star_is_all_that_a_pattern_knows(pattern, name, meant):
    assert matches(pattern, name) is meant


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_form_or_an_endpoint_cannot_bring_one(repository, place, name):
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    for branch, revision in ((name, None), (name, "0" * 40), ("main", name or "-")):
        with pytest.raises(WrongInput, match="cannot be the name of a branch, tag or commit"):
            mirror.fetch_commit(branch, revision)


@pytest.mark.parametrize("name", ["main", "feature/é-1", "v1.0.0", "a@b", "#12", "a{b}", "0" * 40])
def test_what_git_calls_a_name_is_one(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "revision", ["", "main", "-x", "0" * 39, "0" * 41, "A" * 40, "0" * 40 + "\n"]
)
def test_a_job_takes_whole_hashes_alone(revision):
    with pytest.raises(ValueError, match="is no revision"):
        check_revision(revision)
    with pytest.raises(ValidationError, match="is no revision"):
        Source(repository="x", revision=revision)


def test_branches_that_look_like_options_are_not_offered(repository, place):
    head = plain(repository, "rev-parse", "HEAD")
    for name in ("--all", "-x", "a\u202eb"):
        plain(repository, "update-ref", f"refs/heads/{name}", head)
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    mirror.fetch()
    assert mirror.branches() == ["main"]
