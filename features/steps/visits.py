"""People without a browser: they use the doors that the web UI uses."""

from __future__ import annotations

from behave import then, when
from behave.runner import Context
from support.visitor import Visitor


@when("a stranger comes")
def stranger(context: Context) -> None:
    context.visitor = Visitor(context.site)
    context.add_cleanup(context.visitor.close, layer="scenario")


@when("the admin comes")
def admin(context: Context) -> None:
    stranger(context)
    context.visitor.sign_in("admin", context.site.password())


@then('they can look at the builders "{names}"')
def look_at_builders(context: Context, names: str) -> None:
    shown = {builder["name"] for builder in context.visitor.get("builders")["builders"]}
    assert shown == set(names.split(", ")), shown


@then("they can look at the builds of run {number:d}")
def look_at_builds(context: Context, number: int) -> None:
    wanted = {stage["stage"] for stage in context.site.stages}
    # The ledger knows that a stage has passed while Buildbot still closes its build.
    context.visitor.wait_until_passed(number, wanted)


@when("they try to start a run")
def try_run(context: Context) -> None:
    context.answer = context.visitor.start_run("make")


@when('they try to start the stage "{stage}" again')
@when('they start the stage "{stage}" again')
@when('they try to start the stage "{stage}"')
@when('they start the stage "{stage}"')
def start_stage(context: Context, stage: str) -> None:
    context.answer = context.visitor.start_stage(stage)


@when('they open the gate of "{stage}"')
def open_gate(context: Context, stage: str) -> None:
    context.answer = context.visitor.open_gate(stage)


@when("they try to have a build rebuilt")
def try_rebuild(context: Context) -> None:
    context.answer = context.visitor.control("builds/1", "rebuild")


@when("they try to have the site poll")
def try_poll(context: Context) -> None:
    context.answer = context.visitor.http.post("change_hook/poller")


@when("they try to sign in with a guessed password")
def try_password(context: Context) -> None:
    context.answer = context.visitor.sign_in("admin", "guess")


@when('they start a run of the branch "{branch}" because "{reason}"')
def start_run(context: Context, branch: str, reason: str) -> None:
    context.answer = context.visitor.start_run("make", branch=branch, reason=reason)


@then("they are refused with {status:d}")
def refused(context: Context, status: int) -> None:
    assert context.answer.status_code == status, context.answer.text


@then("they are told '{text}'")
def told(context: Context, text: str) -> None:
    answer = context.answer.json()
    assert text in str(answer["error"]["message"]), answer
