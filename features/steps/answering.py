"""People of the almanac who answer, approve and go back without a browser."""

from __future__ import annotations

from typing import Any

from behave import then, when
from behave.runner import Context
from support.colleague import ENOUGH, Colleague


def colleague(context: Context, name: str) -> Colleague:
    """Return a person without a browser; "a stranger" has no name."""
    found = Colleague(context.site, "" if name == "a stranger" else name)
    context.add_cleanup(found.close, layer="scenario")
    return found


def send(context: Context, name: str, stage: str, values: dict[str, Any]) -> None:
    """Answer a gate's questions, and keep what was sent."""
    gate = context.watcher.gate_of(context.number, stage)
    own = colleague(context, name)
    # Who may not open it gets no token from the page; a thief would take another's.
    token = own.read(f"gates/{gate['id']}")["token"] or gate["token"]
    context.sent = own, f"gates/{gate['id']}/open", {"token": token, "values": values}
    context.answer = own.do(*context.sent[1:])


@when('"{name}" opens the gate of "{stage}" elsewhere')
def opens_elsewhere(context: Context, name: str, stage: str) -> None:
    send(context, name, stage, ENOUGH)
    assert context.answer.is_success, context.answer.text


@when('"{name}" starts a run elsewhere')
def starts_elsewhere(context: Context, name: str) -> None:
    made = colleague(context, name).done("runs", {"project": "almanac", "branch": "main"})
    context.number = made["number"]


@when('"{name}" sends the answers past the page')
def past_the_page(context: Context, name: str) -> None:
    send(context, name, "staging", ENOUGH)


@when('"{name}" asks for production')
def asks_for_production(context: Context, name: str) -> None:
    send(context, name, "production", {})


@when('"{name}" answers the questions of "{stage}"')
def answers(context: Context, name: str, stage: str) -> None:
    told = {row["name"]: row["value"] for row in context.table}
    numbers = {one: int(text) for one, text in told.items() if text.isdigit()}
    send(context, name, stage, {**told, **numbers})


@when("the same answers are sent once more")
def once_more(context: Context) -> None:
    own, path, body = context.sent
    context.answer = own.do(path, body)


@when('"{name}" approves it past the page')
def approves(context: Context, name: str) -> None:
    gate = context.watcher.gate_of(context.number, "production")
    asking = {"asking": gate["asking"] or "nothing"}
    context.answer = colleague(context, name).do(f"gates/{gate['id']}/approve", asking)


@when('"{name}" rolls staging back to the release before')
def rolls_back(context: Context, name: str) -> None:
    own = colleague(context, name)
    before = context.deployed[1]
    gate = own.read(f"environments/almanac/staging/rollback?run={before}")
    answer = own.done(gate["ask"], {"token": gate["token"], "values": ENOUGH})
    context.gate = answer["gate"]["id"]


@then("they are answered with {status:d}")
def answered(context: Context, status: int) -> None:
    assert context.answer.status_code == status, context.answer.text


@then('they are told what is wrong with "{names}"')
def told_fields(context: Context, names: str) -> None:
    told = context.answer.json()["fields"]
    assert set(told) == set(names.split(", ")), told
    assert all(told.values()), told


@then('this run was brought to "{environment}" once')
def brought_once(context: Context, environment: str) -> None:
    rows = context.watcher.run(context.number)["deployments"]
    mine = [one for one in rows if one["environment"] == environment]
    assert len(mine) == 1, rows


@then('the trail tells that "{name}" opened it')
def trail_tells(context: Context, name: str) -> None:
    rows = context.watcher.read(f"audit?actor={name}&entity=gate&limit=100")["items"]
    assert any(one["entity_id"] == str(context.gate) for one in rows), rows[:5]
    assert context.watcher.read("audit/verify")["whole"] is True
