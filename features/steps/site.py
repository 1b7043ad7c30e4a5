"""A site, its repository, and what becomes of its runs."""

from __future__ import annotations

from behave import given, then, when
from behave.runner import Context
from support.visitor import Visitor


@given("a site with these stages")
def a_site(context: Context) -> None:
    """Start the feature's site at its first scenario; the others find it."""
    if context.site.process is None:
        context.site.start([row.as_dict() for row in context.table])
    context.watcher = Visitor(context.site)
    context.add_cleanup(context.watcher.close, layer="scenario")
    context.before = [run["number"] for run in context.site.runs()]


@given("its first run has passed")
def first_run(context: Context) -> None:
    context.site.wait_for_run(1, "passed")
    context.before = [run["number"] for run in context.site.runs()]


@given('somebody commits "{subject}"')
def commits(context: Context, subject: str) -> None:
    context.site.commit(subject)


@given('the branch "{branch}" has the new commit "{subject}"')
def branch_has(context: Context, branch: str, subject: str) -> None:
    context.site.git("switch", "--quiet", "--create", branch)
    context.site.commit(subject)
    context.site.git("switch", "--quiet", "main")


@when("somebody mends what was wrong")
def mends(context: Context) -> None:
    context.site.mended.touch()


@when("the admin has the site poll now")
def poll_now(context: Context) -> None:
    context.told = context.site.slipway("poll")


@then('the poll tells of "{text}"')
def poll_tells(context: Context, text: str) -> None:
    assert text in context.told, context.told


# ---- runs


@given("run {number:d} is {state:w}")
@then("run {number:d} is {state:w}")
def run_is(context: Context, number: int, state: str) -> None:
    context.site.wait_for_run(number, state)


@then("one more run passes")
def one_more_run(context: Context) -> None:
    context.newest = max(context.before) + 1
    context.watcher.wait_until_passed(context.newest, stages_of(context))
    context.site.wait_for_run(context.newest, "passed")
    runs = [run["number"] for run in context.site.runs()]
    assert sorted(runs) == sorted([*context.before, context.newest]), runs


@then("no run was added")
def no_run(context: Context) -> None:
    runs = [run["number"] for run in context.site.runs()]
    assert runs == context.before, runs


@then('run {number:d} is a run of the head of "{branch}"')
def run_of_head(context: Context, number: int, branch: str) -> None:
    first = context.site.git("rev-list", "--max-parents=0", branch)
    assert context.site.run(number)["revision"] == first


@then('it is a run of the head of "{branch}", started by a poll')
def run_by_poll(context: Context, branch: str) -> None:
    run = context.site.run(context.newest)
    told = (run["revision"], run["branch"], run["trigger"])
    assert told == (context.site.git("rev-parse", branch), branch, "poll"), run


@then('it is a run of the head of "{branch}", started by "{owner}"')
def run_by_person(context: Context, branch: str, owner: str) -> None:
    run = context.site.run(context.newest)
    told = (run["revision"], run["branch"], run["trigger"], run["owner"])
    assert told == (context.site.git("rev-parse", branch), branch, "force", owner), run


@then('run {number:d} has the version "{version}"')
def has_version(context: Context, number: int, version: str) -> None:
    assert context.site.run(number)["version"] == version


@then('"{stages}" of run {number:d} have passed')
def have_passed(context: Context, stages: str, number: int) -> None:
    context.watcher.wait_until_passed(number, set(stages.split(", ")))


@given('"{stage}" of run {number:d} has not been started')
def not_started(context: Context, stage: str, number: int) -> None:
    builder = context.watcher.builder(stage)
    assert context.watcher.get(f"builders/{builder}/builds")["builds"] == []


@then('"{stage}" of run {number:d} took {count:d} attempts')
def took_attempts(context: Context, stage: str, number: int, count: int) -> None:
    assert context.site.run(number)["stages"][stage]["attempt"] == count


def stages_of(context: Context) -> set[str]:
    """Return the names of all stages."""
    return {stage["stage"] for stage in context.site.stages}
