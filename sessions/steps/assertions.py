"""Predefined steps that check the content of a page."""

from __future__ import annotations

from behave.runner import Context

from slipway.sessions.session import Session
from slipway.sessions.steps.pages import regular
from slipway.sessions.steps.registry import Vocabulary

__all__ = [
    "SEEING",
    "kind_name",
    "response_contains",
    "response_contains_not",
    "see",
    "see_element",
    "see_elements",
    "see_in",
    "see_in_element",
    "see_matching",
    "see_no_element",
    "see_no_thing",
    "see_not",
    "see_not_in",
    "see_not_in_element",
    "see_thing",
    "wait_until",
]

SEEING = Vocabulary()
#: Timeout of "I wait until" in seconds, on pages that change on their own.
_LONG = 30.0


@SEEING.then('I should see "{text}"', example='Then I should see "Welcome"')
def see(context: Context, text: str) -> None:
    """Expect a text on the page."""
    context.session.see(text)


@SEEING.then('I should not see "{text}"', example='Then I should not see "Error"')
def see_not(context: Context, text: str) -> None:
    """Expect a text not to be on the page."""
    context.session.see_not(text)


@SEEING.then(
    'I should see "{text}" in the {kind:kind} "{name}"',
    example='Then I should see "2.50" in the table "Prices"',
)
def see_in(context: Context, text: str, kind: str, name: str) -> None:
    """Expect a text inside one thing on the page."""
    with context.session.within(kind_name(kind), name):
        context.session.see(text)


@SEEING.then(
    'I should not see "{text}" in the {kind:kind} "{name}"',
    example='Then I should not see "Milk" in the row "Bread"',
)
def see_not_in(context: Context, text: str, kind: str, name: str) -> None:
    """Expect a text not to be inside one thing on the page."""
    with context.session.within(kind_name(kind), name):
        context.session.see_not(text)


@SEEING.then(
    'I should see "{text}" in the "{css}" element',
    example='Then I should see "Wrong password" in the ".error" element',
)
def see_in_element(context: Context, text: str, css: str) -> None:
    """Expect a text inside the element of a CSS selector."""
    see_in(context, text, "css", css)


@SEEING.then(
    'I should not see "{text}" in the "{css}" element',
    example='Then I should not see "Delete" in the "nav" element',
)
def see_not_in_element(context: Context, text: str, css: str) -> None:
    """Expect a text not to be inside the element of a CSS selector."""
    see_not_in(context, text, "css", css)


@SEEING.then(
    'I should see text matching "{expression}"',
    example=r'Then I should see text matching "\d+ items"',
)
def see_matching(context: Context, expression: str) -> None:
    """Expect the page's text to match a regular expression somewhere."""
    wanted, session = regular(expression), context.session
    session.wait(
        lambda: wanted.search(session.text),
        lambda: f'nothing matches "{expression}" on the page {session.url}',
    )


@SEEING.then(
    'the response should contain "{text}"', example='Then the response should contain "<h1>"'
)
def response_contains(context: Context, text: str) -> None:
    """Expect a text in the page's HTML."""
    session = context.session
    session.wait(
        lambda: text in session.html, lambda: f'"{text}" is not in the HTML of {session.url}'
    )


@SEEING.then(
    'the response should not contain "{text}"',
    example='Then the response should not contain "Traceback"',
)
def response_contains_not(context: Context, text: str) -> None:
    """Expect a text not to be in the page's HTML."""
    session = context.session
    session.wait(
        lambda: text not in session.html, lambda: f'"{text}" is in the HTML of {session.url}'
    )


@SEEING.then(
    'I should see a "{css}" element',
    'I should see an "{css}" element',
    'I should see the "{css}" element',
    example='Then I should see a "table.items" element',
)
def see_element(context: Context, css: str) -> None:
    """Expect an element of a CSS selector."""
    context.session.see_element("css", css)


@SEEING.then(
    'I should not see a "{css}" element',
    'I should not see an "{css}" element',
    'I should not see the "{css}" element',
    example='Then I should not see a ".error" element',
)
def see_no_element(context: Context, css: str) -> None:
    """Expect no element of a CSS selector."""
    context.session.see_no_element("css", css)


@SEEING.then(
    'I should see {count:number} "{css}" elements',
    'I should see {count:number} "{css}" element',
    example='Then I should see 2 "#items tr" elements',
)
def see_elements(context: Context, count: str, css: str) -> None:
    """Expect so many elements of a CSS selector."""
    session = context.session

    def now() -> int:
        # Inside `within` only its elements count, and the interface has no other access to all of
        # them.
        return len(session.all("css", css))

    session.wait(
        lambda: now() == int(count),
        lambda: f'{now()} "{css}" elements are on the page {session.url}, not {count}',
    )


@SEEING.then(
    'I should see the {kind:kind} "{name}"', example='Then I should see the button "Delete"'
)
def see_thing(context: Context, kind: str, name: str) -> None:
    """Expect a thing of a kind: a button, link, field, fieldset, table, row, image ..."""
    context.session.see_element(kind_name(kind), name)


@SEEING.then(
    'I should not see the {kind:kind} "{name}"',
    example='Then I should not see the button "Delete"',
)
def see_no_thing(context: Context, kind: str, name: str) -> None:
    """Expect no thing of a kind."""
    context.session.see_no_element(kind_name(kind), name)


@SEEING.when('I wait until I see "{text}"', example='When I wait until I see "Done"')
def wait_until(context: Context, text: str) -> None:
    """Wait up to 30 seconds for a text; over plain HTTP, where nothing changes, look once."""
    session: Session = context.session
    before = session.patience
    session.patience = max(before, _LONG) if before else before
    try:
        session.see(text)
    finally:
        session.patience = before


def kind_name(kind: str) -> str:
    """Return a kind as sessions name it: "file field" is file_field."""
    return kind.strip().replace(" ", "_")
