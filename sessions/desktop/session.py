"""Session with a desktop program: Qt windows, from source or frozen."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from slipway.sessions.desktop.element import DesktopElement
from slipway.sessions.desktop.link import HungUp
from slipway.sessions.desktop.page import Windows
from slipway.sessions.desktop.program import DesktopSettings, Program
from slipway.sessions.element import Element
from slipway.sessions.errors import NotThere, SessionError, SessionLost, Transient, Unsupported
from slipway.sessions.http.text import visible_text
from slipway.sessions.http.xpath import elements
from slipway.sessions.session import Evidence, Session

__all__ = ["DesktopSession"]

T = TypeVar("T")
_TEXT = "text/plain; charset=utf-8"
_MODIFIERS = {
    "CONTROL": "ControlModifier",
    "CTRL": "ControlModifier",
    "SHIFT": "ShiftModifier",
    "ALT": "AltModifier",
    "META": "MetaModifier",
    "COMMAND": "MetaModifier",
}
#: Seconds for a window to come to the front.
_FRONT = 2.0
#: Names of keys: those of people and WebDriver, and Qt's.
_KEYS = {
    "ENTER": "Return",
    "RETURN": "Return",
    "TAB": "Tab",
    "ESCAPE": "Escape",
    "ESC": "Escape",
    "SPACE": "Space",
    "BACKSPACE": "Backspace",
    "BACK_SPACE": "Backspace",
    "DELETE": "Delete",
    "INSERT": "Insert",
    "HOME": "Home",
    "END": "End",
    "PAGE_UP": "PageUp",
    "PAGE_DOWN": "PageDown",
    "UP": "Up",
    "DOWN": "Down",
    "LEFT": "Left",
    "RIGHT": "Right",
    **{f"ARROW_{name.upper()}": name for name in ("Up", "Down", "Left", "Right")},
    **{f"F{number}": f"F{number}" for number in range(1, 13)},
}


class DesktopSession(Session):
    """A visitor of a desktop program; missing elements are searched again until patience ends.

    All open windows form one page, the front window first.
    """

    driver = "desktop"

    def __init__(self, settings: DesktopSettings, *, patience: float = 5.0) -> None:
        """Start the program.

        Args:
            settings: The program's settings.
            patience: Seconds for retrying the search of missing elements.

        Raises:
            SessionError: The program ends at once, Qt is missing, or it has no agent.
            WrongSetting: The command's program does not exist.
        """
        super().__init__("desktop:", patience=patience)
        self._program = Program(settings)
        self._shown: Windows | None = None
        self._looking = 0

    def _until(self, query: Callable[[], T], seconds: float | None = None) -> T:
        self._looking += 1
        try:
            return super()._until(query, seconds)
        finally:
            self._looking -= 1

    # ---- queries

    def _read_windows(self) -> Windows:
        self._shown = Windows(self._ask("tree"))
        return self._shown

    def _ask(self, do: str, **about: Any) -> Any:
        try:
            return self._program.link.ask(do, **about)
        except HungUp:
            how = self._program.await_ending() or "without a word"
            raise SessionLost(f"the desktop program has ended {how}") from None

    def perform(self, do: str, on: str, title: str, **about: Any) -> None:
        """Have the agent perform an action on a widget.

        Args:
            do: The action: click, fill, choose, ...
            on: The agent's number of the widget.
            title: The widget's description for messages.
            about: The action's arguments.

        Raises:
            SessionError: The action is impossible for a person, too.
        """
        try:
            self._program.link.ask(do, on=on, **about)
        except SessionError as why:
            msg = f"{title} cannot be used: {why}"
            raise SessionError(msg) from None
        except Transient:
            if self._looking:
                raise
            raise NotThere(f"{title} is no longer there; look for it again") from None
        except HungUp:
            # For example a click on "Quit": the action is done.
            how = self._program.await_ending() or "without a word"
            if how != "with exit code 0":
                raise SessionLost(f"the desktop program has ended {how}") from None

    def find_all(self, xpath: str) -> Sequence[Element]:
        """Return all elements that an XPath finds in the open windows."""
        tree = self._read_windows().root.getroottree()
        return [DesktopElement(self, one) for one in elements(tree, xpath)]

    @property
    def url(self) -> str:
        """The substitute for an address: "desktop:" and the title of the window in front."""
        return f"desktop:{self._read_windows().title}"

    @property
    def title(self) -> str:
        """The title of the window in front."""
        return self._read_windows().title

    @property
    def html(self) -> str:
        """The open windows as HTML."""
        return self._read_windows().html

    @property
    def text(self) -> str:
        """The visible text in all open windows, white space folded."""
        return visible_text(self._read_windows().body)

    def _page(self) -> str:
        title = self._shown.title if self._shown is not None else ""
        return f'the window "{title}"' if title else "the desktop"

    # ---- navigation, which a desktop program does not have

    def visit(self, address: str) -> None:
        """Bring the first window to the front, for "/"; there are no other addresses.

        Raises:
            Unsupported: The address is another one.
        """
        if address not in {"", "/"}:
            raise Unsupported(self._cannot(f"open {address}: windows have no addresses"))
        self._until(lambda: self.switch_window(self._some_window()))

    def _some_window(self) -> str:
        order = self._read_windows().order
        if not order:
            raise NotThere("the desktop program shows no window")
        return order[0]

    def back(self) -> None:
        """Raise Unsupported."""
        raise Unsupported(self._cannot("go back: windows have no history"))

    def forward(self) -> None:
        """Raise Unsupported."""
        raise Unsupported(self._cannot("go forward: windows have no history"))

    def reload(self) -> None:
        """Raise Unsupported."""
        raise Unsupported(self._cannot("reload: windows have no address"))

    # ---- messages, windows, keys

    @property
    def alert(self) -> str:
        """The text of the open message (QMessageBox, QInputDialog); waits for one."""
        return self._until(lambda: visible_text(self._alert_now()))

    def _alert_now(self) -> Any:
        found = self._read_windows().alert
        if found is None:
            raise NotThere("no message is open")
        return found

    def answer_alert(self, *, accept: bool = True, text: str | None = None) -> None:
        """Answer the open message with OK or Yes, or Cancel or No, after typing a text into it."""
        about = {"accept": accept} if text is None else {"accept": accept, "text": text}
        self._until(
            lambda: self.perform("answer", self._alert_now().get("data-on"), "the message", **about)
        )

    @property
    def windows(self) -> Sequence[str]:
        """The open windows' handles, in the order of opening."""
        return self._read_windows().order

    def switch_window(self, handle: str) -> None:
        """Bring a window to the front.

        Raises:
            SessionError: The window does not come to the front.
        """
        self.perform("front", handle, "the window")

        def in_front() -> bool:
            front = self._read_windows().front
            return front is not None and front.get("data-on") == handle

        self.wait(in_front, lambda: f"{self._page()} stays in front of it", _FRONT)

    def close_window(self) -> None:
        """Close the window in front, as the close button of its frame does."""
        front = self._read_windows().front
        if front is None:
            raise SessionError("no window is open that could be closed")
        self.perform("close", front.get("data-on"), self._page())

    def resize(self, width: int, height: int) -> None:
        """Resize the window in front, in pixels."""
        front = self._read_windows().front
        if front is None:
            raise SessionError("no window is open that could be resized")
        self.perform("resize", front.get("data-on"), self._page(), width=width, height=height)

    def press_key(self, key: str) -> None:
        """Press a key in the focused widget: one character, a name such as ENTER, or CONTROL+A."""
        *held, last = key.split("+") if len(key) > 1 else [key]
        keys = [_named(one, _MODIFIERS) for one in held]
        keys.append(last if len(last) == 1 else _named(last, _KEYS))
        self._ask("key", keys=keys)

    def screenshot(self) -> bytes:
        """Return a picture of all open windows as PNG."""
        return base64.b64decode(self._ask("picture"))

    def _page_html(self) -> bytes:
        return self.html.encode()

    # ---- end

    def reset(self) -> None:
        """Reset the program to its initial state, if it can do that itself.

        Raises:
            SessionLost: It cannot, or has ended: the next scenario gets a new process.
        """
        self._inside = []
        if not self._program.agent.get("resets"):
            raise SessionLost("the program has no reset of its own: the next one starts anew")
        try:
            self._ask("restart")
        except Transient as why:
            raise SessionLost(f"the program could not be reset: {why}") from None

    def close(self) -> None:
        """End the program and its descendants. Idempotent."""
        self._program.end()

    def evidence(self) -> list[Evidence]:
        """Return a picture, the windows as HTML, and the program's output; never raises."""
        kept: list[Evidence] = []
        notes: list[str] = []
        parts: tuple[tuple[str, str, Callable[[], bytes]], ...] = (
            ("screenshot.png", "image/png", self.screenshot),
            ("page.html", "text/html; charset=utf-8", self._page_html),
        )
        for name, media_type, take in parts:
            try:
                kept.append(Evidence(name, media_type, take()))
            except Exception as error:  # noqa: BLE001  evidence must never hide the failure itself
                notes.append(f"{name}: {error}")
        how = self._program.ending
        if how is not None:
            notes.append(f"the desktop program has ended {how}")
        output = "\n".join([*notes, self._program.tail()]).strip()
        if output:
            kept.append(Evidence("program.txt", _TEXT, f"{output}\n".encode()))
        return kept


def _named(name: str, known: dict[str, str]) -> str:
    found = known.get(name.upper().replace(" ", "_"))
    if found is None:
        close = difflib.get_close_matches(name.upper(), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
        raise Unsupported(f'there is no key "{name}"; {hint} Other keys are one character')
    return found
