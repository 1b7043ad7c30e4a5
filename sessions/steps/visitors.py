"""Predefined steps about visitors: their cookies, windows, alerts and scopes."""

from __future__ import annotations

from typing import Any

from behave.model import Step
from behave.runner import Context

from slipway.sessions.errors import SessionError
from slipway.sessions.evidence import keep
from slipway.sessions.session import Evidence, Session
from slipway.sessions.steps.assertions import kind_name
from slipway.sessions.steps.registry import Vocabulary

__all__ = [
    "VISITORS",
    "accept",
    "alert_says",
    "be",
    "be_first",
    "close",
    "cookie_is",
    "cookie_is_not_set",
    "cookie_is_set",
    "dismiss",
    "key",
    "no_cookies",
    "prompt",
    "resize",
    "screenshot",
    "set_cookie",
    "switch",
    "switch_back",
    "switch_to",
    "within",
]

VISITORS = Vocabulary()


@VISITORS.given('I am "{name}"', example='Given I am "bob"')
def be(context: Context, name: str) -> None:
    """Go on as another visitor, with a session of their own; each keeps theirs."""
    context.session = context.sessions.open(name)


@VISITORS.given("I am the first visitor again", example="Given I am the first visitor again")
def be_first(context: Context) -> None:
    """Go on as the visitor with whom the scenario began."""
    context.session = context.sessions.first


@VISITORS.when(
    'within the {kind:kind} "{name}", {step:rest}',
    example='When within the fieldset "Address", I fill in "Street" with "High Street 1"',
)
def within(context: Context, kind: str, name: str, step: str) -> None:
    """Do a step, ready or own, inside one thing on the page: a fieldset, row, table, css ..."""
    found = _match(context, step)
    if found is None:
        msg = f'no step says "{step}"; write one, or see `slipway features --steps`'
        raise SessionError(msg)
    with context.session.within(kind_name(kind), name):
        found.run(context)


def _match(context: Context, name: str) -> Any:
    """Return the match of another step in behave's registry; None if there is none."""
    registry = context._runner.step_registry  # noqa: SLF001  no other way to it
    for kind in ("given", "when", "then"):
        found = registry.find_match(Step("", 0, kind, kind, name))
        if found is not None:
            return found
    return None


@VISITORS.when("I accept the alert", "I accept the confirm", example="When I accept the alert")
def accept(context: Context) -> None:
    """Answer an alert or a question with OK (browser, desktop)."""
    context.session.answer_alert(accept=True)


@VISITORS.when("I dismiss the alert", "I dismiss the confirm", example="When I dismiss the alert")
def dismiss(context: Context) -> None:
    """Answer an alert or a question with Cancel (browser, desktop)."""
    context.session.answer_alert(accept=False)


@VISITORS.when('I fill in the prompt with "{text}"', example='When I fill in the prompt with "Ann"')
def prompt(context: Context, text: str) -> None:
    """Type a text into a prompt and answer OK (browser, desktop)."""
    context.session.answer_alert(accept=True, text=text)


@VISITORS.then(
    'I should see "{text}" in the alert', example='Then I should see "Sure?" in the alert'
)
def alert_says(context: Context, text: str) -> None:
    """Expect an open alert to hold a text (browser, desktop)."""
    session: Session = context.session
    session.wait(
        lambda: text in session.alert, lambda: f'the alert says "{session.alert}", not "{text}"'
    )


@VISITORS.when(
    "I switch to the window", "I switch to the new window", example="When I switch to the window"
)
def switch(context: Context) -> None:
    """Go on in the window that was opened last (browser, desktop)."""
    session: Session = context.session
    session.wait(lambda: len(session.windows) > 1, lambda: "no other window is open")
    session.switch_window(session.windows[-1])


@VISITORS.when("I switch to the first window", example="When I switch to the first window")
def switch_back(context: Context) -> None:
    """Go on in the window that was opened first (browser, desktop)."""
    context.session.switch_window(context.session.windows[0])


@VISITORS.when('I switch to the window "{title}"', example='When I switch to the window "Help"')
def switch_to(context: Context, title: str) -> None:
    """Go on in the window whose page has a title (browser, desktop)."""
    session: Session = context.session

    def switched() -> bool:
        for window in session.windows:
            session.switch_window(window)
            if session.title == title:
                return True
        return False

    session.wait(switched, lambda: f'no window has the title "{title}"')


@VISITORS.when("I close the window", example="When I close the window")
def close(context: Context) -> None:
    """Close the window and go on in the first one (browser, desktop)."""
    context.session.close_window()


@VISITORS.when('I press the key "{key}"', example='When I press the key "ENTER"')
def key(context: Context, key: str) -> None:
    """Press a key where the focus is: a character, or a name such as ENTER (browser, desktop)."""
    context.session.press_key(key)


@VISITORS.when(
    "I resize the window to {width:number}x{height:number}",
    example="When I resize the window to 800x600",
)
def resize(context: Context, width: str, height: str) -> None:
    """Give the window a size in pixels (browser, desktop)."""
    context.session.resize(int(width), int(height))


@VISITORS.then('the cookie "{name}" should be set', example='Then the cookie "visit" should be set')
def cookie_is_set(context: Context, name: str) -> None:
    """Expect a cookie, whatever its value."""
    session: Session = context.session
    session.wait(lambda: session.cookie(name) is not None, lambda: f'no cookie "{name}" is set')


@VISITORS.then(
    'the cookie "{name}" should not be set', example='Then the cookie "visit" should not be set'
)
def cookie_is_not_set(context: Context, name: str) -> None:
    """Expect no such cookie."""
    session: Session = context.session
    session.wait(lambda: session.cookie(name) is None, lambda: f'the cookie "{name}" is set')


@VISITORS.then(
    'the cookie "{name}" should be "{value}"', example='Then the cookie "language" should be "en"'
)
def cookie_is(context: Context, name: str, value: str) -> None:
    """Expect a cookie's value."""
    session: Session = context.session
    session.wait(
        lambda: session.cookie(name) == value,
        lambda: f'the cookie "{name}" is {_shown(session.cookie(name))}, not "{value}"',
    )


def _shown(value: str | None) -> str:
    return "not set" if value is None else f'"{value}"'


@VISITORS.given(
    'I set the cookie "{name}" to "{value}"', example='Given I set the cookie "language" to "en"'
)
def set_cookie(context: Context, name: str, value: str) -> None:
    """Set a cookie for the application."""
    context.session.set_cookie(name, value)


@VISITORS.given("I have no cookies", example="Given I have no cookies")
def no_cookies(context: Context) -> None:
    """Remove all cookies of this visitor."""
    context.session.clear_cookies()


@VISITORS.then("I take a screenshot", example="Then I take a screenshot")
def screenshot(context: Context) -> None:
    """Keep a picture of the page with the report (browser, desktop)."""
    keep(context, [Evidence("screenshot.png", "image/png", context.session.screenshot())])
