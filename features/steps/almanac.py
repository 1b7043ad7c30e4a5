"""The site that features share: what has happened on it before, and what came of it."""

from __future__ import annotations

import json

from behave import given, then
from behave.runner import Context
from support.colleague import Colleague

from tests.support.machine import read_files, wait_for


@given("the site of the almanac")
def the_site(context: Context) -> None:
    context.site = context.shared.site
    context.watcher = Colleague(context.site, "ann")
    context.add_cleanup(context.watcher.close, layer="scenario")
    context.chosen = ""
    context.newest_before = context.watcher.after_first_poll()


@given('a run that waits for "{stage}"')
def run_waits(context: Context, stage: str) -> None:
    context.number = context.watcher.need_waiting(stage)


@given("{count:d} releases have been brought to staging")
def releases_deployed(context: Context, count: int) -> None:
    context.deployed = context.watcher.need_deployed(count)
    context.number = context.deployed[0]


@given("a run of the moon has failed")
def moon_failed(context: Context) -> None:
    """The first poll's, or one that is started now."""
    context.site.mended.unlink(missing_ok=True)
    context.number = context.watcher.newest("moon")
    if not context.number or context.watcher.run(context.number, "moon")["state"] == "passed":
        context.number = context.watcher.done("runs", {"project": "moon"})["number"]
    context.watcher.see_stage(context.number, "tests", "failed", project="moon")


@given('the almanac has the branch "{branch}"')
def has_branch(context: Context, branch: str) -> None:
    context.site.git("branch", "--force", branch)


@then('its stage "{stage}" passes')
def stage_passes(context: Context, stage: str) -> None:
    context.watcher.see_stage(context.number, stage, "passed")


@then('its stage "{stage}" still waits for a person')
def stage_waits(context: Context, stage: str) -> None:
    found = context.watcher.stage(context.number, stage)
    assert found["state"] == "gate", found
    gate = context.watcher.read(f"gates/{found['gate']['id']}")
    assert (gate["state"], gate["values"]) == ("open", {}), gate


@then('its gate of "{stage}" is rejected')
def gate_rejected(context: Context, stage: str) -> None:
    context.watcher.see_stage(context.number, stage, "rejected")


@then('the deployment to "{environment}" was told')
def was_told(context: Context, environment: str) -> None:
    """A row for each parameter: its name, and the text of its environment variable."""
    told = json.loads(context.site.told[environment].read_text())
    wanted = {f"SLIPWAY_PARAM_{row['name']}": _meant(context, row["text"]) for row in context.table}
    version = context.chosen or context.watcher.run(context.number)["version"]
    got = {name: told.get(name) for name in wanted}
    assert (told["version"], got) == (version, wanted), f"{version}: {got}, not {wanted}"


def _meant(context: Context, text: str) -> str:
    if text == "(the chosen release)":
        return str(context.chosen)
    return text.replace("\\n", "\n")


@then('"{environment}" runs the release of this run')
def environment_runs(context: Context, environment: str) -> None:
    wait_for(
        lambda: context.watcher.current(environment).get("run") == context.number,
        lambda: f"run {context.number} in {environment}: {context.watcher.current(environment)}",
    )


@then('"{environment}" runs what it ran before')
def runs_before(context: Context, environment: str) -> None:
    context.number = context.deployed[1]
    environment_runs(context, environment)


@then('"{secret}" is written nowhere')
def written_nowhere(context: Context, secret: str) -> None:
    """Neither in the ledger nor in a log, an artefact or the trail."""
    names, found = set(), []
    for one, data in read_files(context.site.state):
        names.add(one.name)
        found += [str(one)] if secret.encode() in data else []
    assert {"state.sqlite", "twistd.log"} <= names, names
    assert found == [], found


@then("no run of the almanac was added")
def none_added(context: Context) -> None:
    assert context.watcher.newest() == context.newest_before
