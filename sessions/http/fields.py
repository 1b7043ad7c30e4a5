"""Read and change the fields of a page over plain HTTP.

The page's own tree is never changed: a visitor's changes are stored beside it, so attributes keep
the values of the page and a form can be reset.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.sessions.errors import SessionError, Unsupported
from slipway.sessions.http.page import Page
from slipway.sessions.locators import fold

__all__ = [
    "BUTTONS",
    "CHOICES",
    "attach",
    "choose",
    "choose_option",
    "chosen",
    "controls",
    "form_of",
    "is_checked",
    "is_disabled",
    "kind",
    "option_value",
    "options",
    "reset",
    "set_checked",
    "set_text",
    "value",
]

_TYPES = frozenset(
    str.split(
        "button checkbox color date datetime-local email file hidden image month number password "
        "radio range reset search submit tel text time url week"
    )
)
BUTTONS = frozenset({"submit", "image", "button", "reset"})
CHOICES = frozenset({"checkbox", "radio"})
_DISABLING = {"input", "textarea", "select", "button", "option", "optgroup", "fieldset"}


def kind(node: Any) -> str:
    """Return the kind of a control: an input's type, else its tag."""
    if node.tag == "input":
        value = (node.get("type") or "").strip().lower()
        return value if value in _TYPES else "text"
    if node.tag == "button":
        value = (node.get("type") or "").strip().lower()
        return value if value in {"button", "reset"} else "submit"
    return str(node.tag)


def is_disabled(node: Any) -> bool:
    """Return True if a control is disabled, by itself or by an element around it."""
    if node.tag in _DISABLING and node.get("disabled") is not None:
        return True
    below = node
    for above in node.iterancestors():
        off = above.get("disabled") is not None
        if off and above.tag == "fieldset" and below is not above.find("legend"):
            return True
        if off and node.tag == "option" and above.tag in {"optgroup", "select"}:
            return True
        below = above
    return False


def form_of(page: Page, node: Any) -> Any:
    """Return the form of a control, by its `form` attribute or by its position."""
    form_id = node.get("form")
    if form_id is not None:
        found = page.tree.xpath("//form[@id = $id]", id=form_id)
        return found[0] if found else None
    return next(node.iterancestors("form"), None)


def controls(page: Page, form: Any) -> Iterator[Any]:
    """Return a form's controls in page order, including those outside of its element."""
    afar = form.get("id") and page.tree.xpath("boolean(//*[@form])")
    for node in (page.tree if afar else form).iter("input", "select", "textarea", "button"):
        if form_of(page, node) is form:
            yield node


def options(select: Any) -> list[Any]:
    """Return the options of a list."""
    return list(select.iter("option"))


def option_value(option: Any) -> str:
    """Return the value that an option sends."""
    value = option.get("value")
    return fold(option.text_content()) if value is None else str(value)


def chosen(page: Page, select: Any) -> list[Any]:
    """Return the chosen options; a single-choice list without a choice shows its first option."""
    every = options(select)
    found = [one for one in every if page.fields.get(one, one.get("selected") is not None)]
    if select.get("multiple") is not None:
        return found
    if not found and (select.get("size") or "1").strip() in {"0", "1"}:
        found = [one for one in every if not is_disabled(one)][:1]
    return found[-1:]


def value(page: Page, node: Any) -> str:
    """Return the value of a field."""
    if node.tag == "select":
        return next((option_value(one) for one in chosen(page, node)), "")
    if node.tag == "option":
        return option_value(node)
    if _is_editable(node):
        return str(fold(node.text_content()))
    return _input_value(page, node)


def _is_editable(node: Any) -> bool:
    """Return True if an element is editable by scripts (contenteditable)."""
    return node.get("contenteditable") is not None and node.tag not in {"input", "textarea"}


def _input_value(page: Page, node: Any) -> str:
    what = kind(node)
    if what == "file":
        files = page.fields.get(node, ())
        return files[0].name if files else ""
    if what in CHOICES:
        return str(node.get("value", "on"))
    if node.tag == "textarea":
        return str(page.fields.get(node, _area_text(node)))
    return str(page.fields.get(node, node.get("value") or ""))


def _area_text(node: Any) -> str:
    text = node.text_content().replace("\r\n", "\n").replace("\r", "\n")
    return str(text.removeprefix("\n"))


def is_checked(page: Page, node: Any) -> bool:
    """Return True if a checkbox, radio button or option is chosen."""
    if node.tag == "option":
        select = next(node.iterancestors("select"), None)
        return select is not None and any(one is node for one in chosen(page, select))
    if kind(node) not in CHOICES:
        return False
    if node in page.fields:
        return bool(page.fields[node])
    if node.get("checked") is None:
        return False
    return (
        kind(node) == "checkbox"
        or [one for one in _group(page, node) if _has_text(one)][-1] is node
    )


def _has_text(node: Any) -> bool:
    return node.get("checked") is not None


def _group(page: Page, radio: Any) -> list[Any]:
    """Return the radio buttons of the same group."""
    name = radio.get("name")
    if not name:
        return [radio]
    form = form_of(page, radio)
    around = page.tree.iter("input") if form is None else controls(page, form)
    return [
        one
        for one in around
        if kind(one) == "radio" and one.get("name") == name and form_of(page, one) is form
    ]


def set_text(page: Page, node: Any, text: str, title: str) -> None:
    """Type into a text field.

    Raises:
        SessionError: It is no text field, or is disabled or read-only.
        Unsupported: It is an editable part of the page, which has no value to send.
    """
    what = kind(node)
    if _is_editable(node):
        raise Unsupported(f"{title} is edited by a script only; tag the scenario @javascript")
    if node.tag not in {"input", "textarea"} or what in BUTTONS | CHOICES | {"file", "hidden"}:
        raise SessionError(f"{title} is no text field: nobody can type into it")
    _may_change(node, title)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if node.tag == "input":
        text = text.replace("\n", "")
    most = (node.get("maxlength") or "").strip()
    page.fields[node] = text[: int(most)] if most.isascii() and most.isdigit() else text


def set_checked(page: Page, node: Any, title: str, *, checked: bool) -> None:
    """Check or uncheck a checkbox, or choose a radio button.

    Raises:
        SessionError: It is no such control, is disabled, or is a radio button to uncheck.
    """
    what = kind(node)
    if node.tag != "input" or what not in CHOICES:
        raise SessionError(f"{title} is neither a checkbox nor a radio button")
    _may_change(node, title, readonly=False)
    if what == "checkbox":
        page.fields[node] = checked
        return
    if not checked:
        raise SessionError(f"{title} is a radio button: choose another one of its group instead")
    for one in _group(page, node):
        page.fields[one] = one is node


def choose(page: Page, select: Any, option: str, title: str, *, add: bool) -> None:
    """Choose an option of a list by its text or value.

    Raises:
        SessionError: It is not a list, has no such option, or the option is disabled.
    """
    if select.tag != "select":
        raise SessionError(f"{title} is no list: there is nothing to choose from")
    found = _option(select, option)
    if found is None:
        _may_change(select, title, readonly=False)
        offered = ", ".join(f'"{fold(one.text_content())}"' for one in options(select)[:20])
        raise SessionError(f'{title} has no option "{option}"; it has {offered or "none at all"}')
    choose_option(page, select, found, title, add=add)


def choose_option(page: Page, select: Any, option: Any, title: str, *, add: bool = False) -> None:
    """Choose an option of a list; `add` keeps the others.

    Raises:
        SessionError: The list or the option is disabled, or nothing can be added.
    """
    _may_change(select, title, readonly=False)
    if is_disabled(option):
        raise SessionError(f'the option "{fold(option.text_content())}" of {title} is disabled')
    if add and select.get("multiple") is None:
        raise SessionError(f"{title} takes one option only: nothing can be added to it")
    kept = chosen(page, select) if add else []
    for one in options(select):
        page.fields[one] = one is option or any(one is other for other in kept)


def _option(select: Any, wanted: str) -> Any:
    """Return an option by its text, its label or its value, in that order."""
    every = options(select)
    by_text = [(fold(one.text_content()), one) for one in every]
    by_label = [(fold(one.get("label") or ""), one) for one in every]
    by_value = [(option_value(one), one) for one in every]
    text = fold(wanted)
    for called, one in (*by_text, *by_label):
        if text and called == text:
            return one
    return next((one for called, one in by_value if called == wanted), None)


def attach(page: Page, node: Any, files: tuple[Path, ...], title: str) -> None:
    """Attach files to a file field.

    Raises:
        SessionError: It is no file field, is disabled, or accepts only one file.
    """
    if node.tag != "input" or kind(node) != "file":
        raise SessionError(f"{title} is no file field")
    _may_change(node, title, readonly=False)
    if len(files) > 1 and node.get("multiple") is None:
        raise SessionError(f"{title} takes one file only, not {len(files)}")
    page.fields[node] = files


def reset(page: Page, form: Any) -> None:
    """Reset all fields of a form to the values of the page."""
    for node in controls(page, form):
        page.fields.pop(node, None)
        if node.tag == "select":
            for one in options(node):
                page.fields.pop(one, None)


def _may_change(node: Any, title: str, *, readonly: bool = True) -> None:
    if is_disabled(node):
        raise SessionError(f"{title} is disabled")
    if readonly and node.get("readonly") is not None:
        raise SessionError(f"{title} is read-only")
