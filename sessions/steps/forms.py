"""Predefined steps that fill in forms and check their fields."""

from __future__ import annotations

from pathlib import Path

from behave.runner import Context

from slipway.sessions.errors import SessionError
from slipway.sessions.steps.registry import Vocabulary

__all__ = [
    "FORMS",
    "attach",
    "check",
    "checked",
    "choose",
    "field_contains",
    "field_contains_not",
    "fill",
    "fill_for",
    "fill_lines",
    "fill_table",
    "select",
    "select_more",
    "uncheck",
    "unchecked",
]

FORMS = Vocabulary()


@FORMS.when('I fill in "{field}" with "{text}"', example='When I fill in "Name" with "Ann"')
def fill(context: Context, field: str, text: str) -> None:
    """Fill in a text field by its label, id, name, title or placeholder."""
    context.session.fill(field, text)


@FORMS.when('I fill in "{text}" for "{field}"', example='When I fill in "Ann" for "Name"')
def fill_for(context: Context, text: str, field: str) -> None:
    """Fill in a text field, said the other way round."""
    context.session.fill(field, text)


@FORMS.when(
    'I fill in "{field}" with:',
    'I fill in "{field}" with',
    example='When I fill in "About" with:\n  """\n  Two\n  lines\n  """',
)
def fill_lines(context: Context, field: str) -> None:
    """Fill in a text field with the text below the step."""
    if context.text is None:
        msg = f'write the text for "{field}" below the step, between two lines of """'
        raise SessionError(msg)
    context.session.fill(field, str(context.text))


@FORMS.when(
    "I fill in the following:",
    "I fill in the following",
    example="When I fill in the following:\n  | Name | Ann |\n  | E-mail | ann@example.org |",
)
def fill_table(context: Context) -> None:
    """Fill in the fields of a table of two columns: what each is called, and its text."""
    if context.table is None:
        msg = "write the fields below the step, as a table of two columns: | Name | Ann |"
        raise SessionError(msg)
    # behave takes the first row for headings; here it is a field like the others.
    for row in (context.table.headings, *(row.cells for row in context.table.rows)):
        if len(row) != 2:  # noqa: PLR2004
            msg = f"the row | {' | '.join(row)} | must have two columns: a field and its text"
            raise SessionError(msg)
        context.session.fill(*row)


@FORMS.when('I select "{option}" from "{name}"', example='When I select "Red" from "Colour"')
def select(context: Context, option: str, name: str) -> None:
    """Choose an option of a list."""
    context.session.choose(option, name)


@FORMS.when(
    'I additionally select "{option}" from "{name}"',
    example='When I additionally select "Bell" from "Extras"',
)
def select_more(context: Context, option: str, name: str) -> None:
    """Choose one more option of a list that allows several."""
    context.session.choose(option, name, add=True)


@FORMS.when(
    'I choose "{button}"', 'I select the "{button}" radio button', example='When I choose "Large"'
)
def choose(context: Context, button: str) -> None:
    """Choose a radio button."""
    context.session.choose_radio(button)


@FORMS.when('I check "{box}"', example='When I check "Newsletter"')
def check(context: Context, box: str) -> None:
    """Check a checkbox."""
    context.session.check(box)


@FORMS.when('I uncheck "{box}"', example='When I uncheck "Newsletter"')
def uncheck(context: Context, box: str) -> None:
    """Uncheck a checkbox."""
    context.session.uncheck(box)


@FORMS.when(
    'I attach the file "{file}" to "{field}"',
    example='When I attach the file "files/photo.png" to "Picture"',
)
def attach(context: Context, file: str, field: str) -> None:
    """Attach a file, named from the feature's folder, those above it, or where behave runs."""
    context.session.attach(field, _file(context, file))


def _file(context: Context, name: str) -> Path:
    feature = Path(context.feature.filename).resolve()
    here = Path.cwd()
    tried = [folder / name for folder in feature.parents if folder.is_relative_to(here)]
    tried += [here / name, feature.parent / name]
    return next((path for path in tried if path.is_file()), tried[-1])


@FORMS.then(
    'the "{field}" field should contain "{text}"',
    example='Then the "Name" field should contain "Ann"',
)
def field_contains(context: Context, field: str, text: str) -> None:
    """Expect a field to hold exactly a text; of a list it is the chosen option's value."""
    session = context.session
    session.wait(
        lambda: session.value(field) == text,
        lambda: f'the field "{field}" holds "{session.value(field)}", not "{text}"',
    )


@FORMS.then(
    'the "{field}" field should not contain "{text}"',
    example='Then the "Name" field should not contain "Bob"',
)
def field_contains_not(context: Context, field: str, text: str) -> None:
    """Expect a field to hold anything else."""
    session = context.session
    session.wait(
        lambda: session.value(field) != text, lambda: f'the field "{field}" holds "{text}"'
    )


@FORMS.then(
    'the "{box}" checkbox should be checked',
    'the checkbox "{box}" should be checked',
    'the "{box}" checkbox is checked',
    example='Then the "Newsletter" checkbox should be checked',
)
def checked(context: Context, box: str) -> None:
    """Expect a checkbox to be checked."""
    _expect_box(context, box, checked=True)


@FORMS.then(
    'the "{box}" checkbox should be unchecked',
    'the "{box}" checkbox should not be checked',
    'the checkbox "{box}" should be unchecked',
    'the checkbox "{box}" should not be checked',
    'the "{box}" checkbox is not checked',
    example='Then the "Newsletter" checkbox should be unchecked',
)
def unchecked(context: Context, box: str) -> None:
    """Expect a checkbox not to be checked."""
    _expect_box(context, box, checked=False)


def _expect_box(context: Context, box: str, *, checked: bool) -> None:
    session = context.session
    session.wait(
        lambda: session.checked(box) is checked,
        lambda: f'the checkbox "{box}" is {"not " if checked else ""}checked',
    )
