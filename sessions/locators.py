"""Named locators: translate the names that people give to elements of a page into XPath.

An element is found by its label, id, name, title, placeholder, value, alternative text or text, as
with Mink's named selectors. Every expression is plain XPath 1.0 with the same meaning in lxml and
in a browser, relative to the document; `inside` rewrites it to be relative to an element.

A locator may match a part of a text. Exact matches have precedence: `named(..., exact=True)` finds
only those, and a session searches them first.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from slipway.sessions.errors import SessionError

__all__ = ["KINDS", "described", "fold", "inside", "literal", "named"]

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TYPE = f"translate(@type, '{_UPPER}', '{_UPPER.lower()}')"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XPATH_PARTS = re.compile(r"""("[^"]*"|'[^']*'|[\[\](|])""")


def literal(text: str) -> str:
    """Return a text as an XPath string literal, whatever quotes it contains.

    Raises:
        SessionError: The text contains a character that is invalid in a page.
    """
    strange = _NO_XML.search(text)
    if strange:
        msg = f"{text!r} holds the character {strange.group()!r}, which no page can hold; leave it"
        raise SessionError(f"{msg} out")
    if '"' not in text:
        return f'"{text}"'
    if "'" not in text:
        return f"'{text}'"
    quote = ", '\"', ".join(f'"{part}"' for part in text.split('"'))
    return f"concat({quote})"


def fold(text: str) -> str:
    """Return a text with all white space folded, as it is displayed."""
    return " ".join(text.split())


def inside(xpath: str) -> str:
    """Rewrite an XPath of a document so that it is relative to an element.

    Each alternative that begins with a slash gets a dot before it; strings and predicates stay
    unchanged.
    """
    depth = 0
    start = True
    out = []
    for part in _XPATH_PARTS.split(xpath):
        if part == "[":
            depth += 1
        elif part == "]":
            depth -= 1
        rooted = start and depth == 0 and part.lstrip().startswith("/")
        out.append(part.replace("/", "./", 1) if rooted else part)
        if part.strip():
            start = part in {"|", "("}
    return "".join(out)


def named(kind: str, locator: str, *, exact: bool = False) -> str:
    """Return an XPath for all elements of a kind with a name.

    Args:
        kind: One of `KINDS`, such as "field" or "button".
        locator: The name of the element; for css and xpath the selector itself.
        exact: Exclude partial matches.

    Raises:
        SessionError: The kind is unknown or the locator empty or wrong.
    """
    if kind not in _KINDS:
        msg = f'a session finds no "{kind}" on a page; it finds: {", ".join(KINDS)}'
        raise SessionError(msg)
    if not fold(locator):
        msg = f"an empty name finds no {_KINDS[kind][0]}; say what it is called"
        raise SessionError(msg)
    return _KINDS[kind][1](_Name(locator, exact=exact))


def described(kind: str, locator: str) -> str:
    """Return a description for messages, such as `field "Name"`."""
    words = _KINDS[kind][0] if kind in _KINDS else kind
    return f'{words} "{fold(locator)}"'


class _Name:
    """A locator, and the XPath conditions for it."""

    def __init__(self, locator: str, *, exact: bool) -> None:
        self.raw = locator
        self.same = literal(locator)
        self.folded = literal(fold(locator))
        self.exact = exact

    def text(self, what: str = ".") -> str:
        """Return the condition that a text equals or contains the locator."""
        space = f"normalize-space(translate({what}, '\xa0', ' '))"
        return f"{space} = {self.folded}" if self.exact else f"contains({space}, {self.folded})"

    def attributes(self, *names: str) -> str:
        """Return the condition that one of the attributes matches: id and name exactly."""
        conditions = [
            f"@{name} = {self.same}" if name in {"id", "name"} else self.text(f"@{name}")
            for name in names
        ]
        return " or ".join(conditions)

    def label(self) -> str:
        """Return the condition that a field has a label with that text, around it or for its id."""
        text = self.text()
        if self.exact:  # the text of a label around a list includes the list's options
            text = f"{text} or text()[{text}]"
        return f"ancestor::label[{text}] or @id and @id = //label[{text}]/@for"


def _types(*types: str) -> str:
    return " or ".join(f"{_TYPE} = '{one}'" for one in types)


def _field(types: str) -> Callable[[_Name], str]:
    def xpath(name: _Name) -> str:
        own = name.attributes("id", "name", "title", "placeholder", "aria-label")
        return f"//*[{types}][{own} or {name.label()}]"

    return xpath


def _is_button() -> str:
    types = _types("submit", "image", "button", "reset")
    return f"self::button or self::input[{types}] or @role = 'button'"


def _button_called(name: _Name) -> str:
    own = name.attributes("id", "name", "title", "aria-label")
    value = f"(self::input or self::button) and {name.text('@value')}"
    alternative = f"self::input[{_types('image')}] and {name.text('@alt')}"
    text = f"not(self::input) and ({name.text()} or .//img[{name.text('@alt')}])"
    return f"{own} or {value} or {alternative} or {text}"


_IS_LINK = "self::a[@href] or self::area[@href] or @role = 'link'"


def _link_called(name: _Name) -> str:
    own = name.attributes("id", "title", "aria-label")
    image = f"self::area and {name.text('@alt')} or .//img[{name.text('@alt')}]"
    return f"{own} or {name.text()} or {image}"


def _button(name: _Name) -> str:
    return f"//*[{_is_button()}][{_button_called(name)}]"


def _link(name: _Name) -> str:
    return f"//*[{_IS_LINK}][{_link_called(name)}]"


def _link_or_button(name: _Name) -> str:
    link = f"({_IS_LINK}) and ({_link_called(name)})"
    return f"//*[{link} or ({_is_button()}) and ({_button_called(name)})]"


def _content(name: _Name) -> str:
    shown = "ancestor-or-self::body and not(self::script or self::style or self::template)"
    return f"//*[{shown}][{name.text()}][not(*[{name.text()}])]"


def _option(name: _Name) -> str:
    return f"//option[@value = {name.same} or {name.text()} or {name.text('@label')}]"


def _part(tag: str, title: str) -> Callable[[_Name], str]:
    def xpath(name: _Name) -> str:
        own = name.attributes("id", "name", "title", "aria-label")
        return f"//{tag}[{own} or {title}[{name.text()}]]"

    return xpath


def _row(name: _Name) -> str:
    cell = f"*[{name.text()}]"
    return f"//tr[@id = {name.same} or {name.text()} or {cell}]"


def _image(name: _Name) -> str:
    is_image = f"self::img or self::input[{_types('image')}] or @role = 'img'"
    return f"//*[{is_image}][{name.attributes('id', 'alt', 'title', 'aria-label')}]"


def _css(name: _Name) -> str:
    try:
        from cssselect import HTMLTranslator, SelectorError
    except ImportError:
        msg = "CSS selectors need the package cssselect; install it, or use xpath"
        raise SessionError(msg) from None
    try:
        return str(HTMLTranslator().css_to_xpath(name.raw, prefix="//"))
    except SelectorError as wrong:
        msg = f'"{name.raw}" is no CSS selector that can be used here: {wrong}'
        raise SessionError(msg) from None


_BUTTONS = _types("submit", "image", "button", "reset", "hidden")
_CHOICES = _types("checkbox", "radio", "file")
_EDITABLE = f"translate(@contenteditable, '{_UPPER}', '{_UPPER.lower()}')"
_EDITABLE = f"@contenteditable and not({_EDITABLE} = 'false')"
_FIELD = f"self::input[not({_BUTTONS})] or self::textarea or self::select or {_EDITABLE}"
_FILLABLE = f"self::input[not({_BUTTONS} or {_CHOICES})] or self::textarea or {_EDITABLE}"

_KINDS: dict[str, tuple[str, Callable[[_Name], str]]] = {
    "field": ("field", _field(_FIELD)),
    "fillable_field": ("text field", _field(_FILLABLE)),
    "file_field": ("file field", _field(f"self::input[{_types('file')}]")),
    "checkbox": ("checkbox", _field(f"self::input[{_types('checkbox')}]")),
    "radio": ("radio button", _field(f"self::input[{_types('radio')}]")),
    "select": ("list", _field("self::select")),
    "option": ("option", _option),
    "optgroup": ("group of options", lambda name: f"//optgroup[{name.attributes('id', 'label')}]"),
    "fieldset": ("fieldset", _part("fieldset", "legend")),
    "button": ("button", _button),
    "link": ("link", _link),
    "link_or_button": ("link or button", _link_or_button),
    "table": ("table", _part("table", "caption")),
    "row": ("table row", _row),
    "content": ("text", _content),
    "image": ("image", _image),
    "id": ("element with the id", lambda name: f"//*[@id = {name.same}]"),
    "id_or_name": (
        "element with the id or name",
        lambda name: f"//*[{name.attributes('id', 'name')}]",
    ),
    "css": ("element with the CSS selector", _css),
    "xpath": ("element with the XPath", lambda name: name.raw),
}
KINDS = tuple(_KINDS)
