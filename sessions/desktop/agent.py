"""Lets features drive this Qt program. It ships with slipway.sessions; copy it into the program.

    application = QApplication(sys.argv)
    if "SLIPWAY_DESKTOP_AGENT" in os.environ:
        from mine import desktop_agent

        desktop_agent.serve()

It does nothing unless that variable says who started the program to drive it. It opens no port:
it calls the driver on this machine, and both prove that they know the same token, which is never
sent. Nothing but the standard library and Qt (PySide6, or PyQt6) is imported.

The driver sends lines of JSON and gets one back for each: the visible widgets as a tree of HTML
elements, a picture, or that an operation was done. All of it happens in Qt's own event loop, also
in that of a dialog that waits for its answer.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import socket
import sys
from collections.abc import Callable
from typing import Any

__all__ = [
    "VARIABLE",
    "VERSION",
    "Agent",
    "LeftWindow",
    "Node",
    "Qt",
    "Refused",
    "Thing",
    "Tree",
    "fill",
    "front",
    "key_of",
    "node",
    "picture",
    "plain",
    "proof",
    "readable",
    "serve",
    "windows",
    "write",
]

if "PyQt6" in sys.modules:
    from PyQt6 import QtCore, QtGui, QtTest, QtWidgets
else:
    try:
        from PySide6 import QtCore, QtGui, QtTest, QtWidgets
    except ImportError:
        from PyQt6 import QtCore, QtGui, QtTest, QtWidgets

VARIABLE = "SLIPWAY_DESKTOP_AGENT"
VERSION = 1
_LOOPBACK = "127.0.0.1"
_PATIENCE = 20.0
_MOST_ROUNDS = 10
_MOST_ROWS = 2000
_MOST_COLUMNS = 100
_KEY = "slipway_key"
_RICH = re.compile(r"</?[a-zA-Z][^<]*>")
_HERE: list[Agent] = []

Qt = QtCore.Qt
Node = list[Any]
"""[tag, attributes, children]; a child is a node or a text."""


def serve(reset: Callable[[], object] | None = None) -> None:
    """Let the driver that started this program drive it; without one do nothing.

    Args:
        reset: Puts the program back to how it started, its data too. Then one process serves many
            scenarios; without it each scenario gets a process of its own.

    Raises:
        RuntimeError: There is no QApplication yet.
    """
    address = os.environ.pop(VARIABLE, "")
    if not address or _HERE:
        return
    if QtWidgets.QApplication.instance() is None:
        raise RuntimeError("desktop_agent.serve() is called before QApplication is made")
    for name in ("AA_DontUseNativeDialogs", "AA_DontUseNativeMenuBar"):
        QtWidgets.QApplication.setAttribute(getattr(Qt.ApplicationAttribute, name))
    port, _, token = address.partition(":")
    _HERE.append(Agent(int(port), token, reset))


def proof(token: str, side: str, nonce: str) -> str:
    """Return the proof that a side ("agent" or "driver") knows the token."""
    return hmac.new(token.encode(), f"{side}:{nonce}".encode(), hashlib.sha256).hexdigest()


class Refused(Exception):
    """A person could not do that either; the text says why."""


class LeftWindow(Exception):
    """What was to be acted on is no longer there: look again."""


class Agent:
    """Speaks with the driver, and does what it says."""

    def __init__(self, port: int, token: str, reset: Callable[[], object] | None) -> None:
        self._reset = reset
        self._tree = Tree()
        self._buffer = b""
        self._socket = socket.create_connection((_LOOPBACK, port), _PATIENCE)
        nonce = secrets.token_hex(16)
        hello = self._line()
        self._send(
            {
                "proof": proof(token, "agent", str(hello["nonce"])),
                "nonce": nonce,
                "version": VERSION,
                "pid": os.getpid(),
                "resets": reset is not None,
            }
        )
        if not hmac.compare_digest(str(self._line()["proof"]), proof(token, "driver", nonce)):
            self._socket.close()
            raise RuntimeError(f"who listens on port {port} is not the driver of {VARIABLE}")
        kind = QtCore.QSocketNotifier.Type.Read
        self._notifier = QtCore.QSocketNotifier(self._socket.fileno(), kind)
        self._notifier.activated.connect(self._read)
        # The driver's first order may have come together with its proof.
        self._take(b"")

    def _line(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            more = self._socket.recv(65536)
            if not more:
                raise RuntimeError(f"who listens on the port of {VARIABLE} has hung up")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _send(self, answer: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendall(json.dumps(answer).encode() + b"\n")

    def _read(self, *_: object) -> None:
        try:
            more = self._socket.recv(65536)
        except OSError:
            more = b""
        if not more:
            # The driver is gone, and with it all reason to be here.
            self._notifier.setEnabled(False)
            os._exit(0)
        self._take(more)

    def _take(self, more: bytes) -> None:
        *lines, self._buffer = (self._buffer + more).split(b"\n")
        for line in lines:
            order = json.loads(line)
            # Not from here: it may open a dialog, in whose event loop this must be called.
            QtCore.QTimer.singleShot(0, lambda order=order: self._do(order))

    def _do(self, order: dict[str, Any], *, again: bool = True) -> None:
        """Do what is asked; an operation that opens a dialog is done when the dialog waits."""
        if again and QtWidgets.QApplication.activeWindow() is None and front() is not None:
            # Without a window manager nobody gives the focus back when a dialog has closed.
            front().activateWindow()
            QtCore.QTimer.singleShot(_MOST_ROUNDS, lambda: self._do(order, again=False))
            return
        waiting = [order["id"]]

        def answer(**facts: Any) -> None:
            for number in waiting:
                self._send({"id": number, **facts})
            waiting.clear()

        try:
            query = {"tree": self._tree.read, "picture": picture}.get(order["do"])
            if query is not None:
                answer(ok=query())
                return
            action = getattr(self, f"_{order['do']}")
            thing = self._tree.thing(order) if "on" in order else None
            QtCore.QTimer.singleShot(0, lambda: answer(ok=None))
            action(order) if thing is None else action(thing, order)
        except Refused as why:
            answer(refused=str(why))
        except (LeftWindow, RuntimeError) as why:  # Qt's word for a widget that is deleted
            answer(gone=str(why))
        except Exception as error:  # noqa: BLE001  the driver tells it, the program goes on
            answer(failed=f"{type(error).__name__}: {error}")

    # ---- operations

    def _click(self, thing: Thing, order: dict[str, Any]) -> None:
        thing.ready()
        thing.press(add=bool(order.get("add")))

    def _fill(self, thing: Thing, order: dict[str, Any]) -> None:
        thing.ready()
        fill(thing.widget, str(order["text"]))

    def _choose(self, thing: Thing, order: dict[str, Any]) -> None:
        thing.ready()
        combo, row = thing.widget, int(order["row"])
        combo.setFocus()
        combo.setCurrentIndex(row)
        # As Qt itself tells it when a person has chosen.
        combo.activated.emit(row)
        combo.textActivated.emit(combo.itemText(row))

    def _key(self, order: dict[str, Any]) -> None:
        *held, name = order["keys"]
        modifiers = Qt.KeyboardModifier.NoModifier
        for one in held:
            modifiers |= getattr(Qt.KeyboardModifier, one)
        target = QtWidgets.QApplication.activePopupWidget() or QtWidgets.QApplication.focusWidget()
        target = target or front()
        if target is None:
            raise Refused("no window is open that a key could go to")
        if len(name) == 1 and not held:
            write(target, name)
        else:
            key = getattr(Qt.Key, f"Key_{name.upper() if len(name) == 1 else name}")
            QtTest.QTest.keyClick(target, key, modifiers)

    def _answer(self, thing: Thing, order: dict[str, Any]) -> None:
        thing.ready()
        box, accept, text = thing.widget, bool(order["accept"]), order.get("text")
        if isinstance(box, QtWidgets.QInputDialog):
            if text is not None:
                box.setTextValue(str(text))
            box.accept() if accept else box.reject()
            return
        if text is not None:
            raise Refused("the message takes no text; answer it without one")
        roles = QtWidgets.QMessageBox.ButtonRole
        wanted = ("AcceptRole", "YesRole") if accept else ("RejectRole", "NoRole")
        buttons = box.buttons()
        good = [getattr(roles, one) for one in wanted]
        found = [one for one in buttons if box.buttonRole(one) in good]
        if not found and len(buttons) != 1:
            titles = ", ".join(f'"{plain(one.text())}"' for one in buttons)
            raise Refused(f"the message has no such answer; press one of its buttons: {titles}")
        QtTest.QTest.mouseClick((found or buttons)[0], Qt.MouseButton.LeftButton)

    def _front(self, thing: Thing, _: dict[str, Any]) -> None:
        thing.widget.raise_()
        thing.widget.activateWindow()

    def _close(self, thing: Thing, _: dict[str, Any]) -> None:
        thing.ready()
        thing.widget.close()

    def _resize(self, thing: Thing, order: dict[str, Any]) -> None:
        thing.widget.resize(int(order["width"]), int(order["height"]))

    def _restart(self, _: dict[str, Any]) -> None:
        """Reject what dialogs are open, close popups, and let the program reset itself."""
        for _number in range(20):
            open_ = QtWidgets.QApplication.activePopupWidget()
            open_ = open_ or QtWidgets.QApplication.activeModalWidget()
            if open_ is None:
                break
            open_.reject() if isinstance(open_, QtWidgets.QDialog) else open_.close()
        if self._reset is not None:
            self._reset()


# ---- what a person does


class Thing:
    """A widget, or a part of one: a row, a tab, an entry of a menu."""

    def __init__(self, widget: Any, find: Callable[[], Any] | None = None) -> None:
        self.widget = widget
        self._find = find

    def ready(self) -> None:
        """See that a person could act on it now."""
        widget = self.widget
        if not widget.isVisible():
            raise LeftWindow("it is no longer to be seen")
        if not widget.isEnabled():
            raise Refused("it is disabled")
        modal = QtWidgets.QApplication.activeModalWidget()
        if modal is not None and not _belongs(widget, modal):
            title = modal.windowTitle() or type(modal).__name__
            raise Refused(f'the dialog "{title}" is open over it; answer it first')
        while popup := QtWidgets.QApplication.activePopupWidget():
            if _belongs(widget, popup) or isinstance(widget, QtWidgets.QMenu):
                break
            popup.close()
        above = widget.parentWidget()
        while above is not None:
            if isinstance(above, QtWidgets.QScrollArea):
                above.ensureWidgetVisible(widget)
            above = above.parentWidget()

    def press(self, *, add: bool) -> None:
        """Click it with the mouse."""
        widget, at = self.widget, None
        if self._find is not None:
            widget, at = self._find()
        elif isinstance(widget, (QtWidgets.QCheckBox, QtWidgets.QRadioButton)):
            right = widget.layoutDirection() == Qt.LayoutDirection.RightToLeft
            at = QtCore.QPoint(widget.width() - 9 if right else 9, widget.height() // 2)
        elif isinstance(widget, QtWidgets.QGroupBox):
            box, part = QtWidgets.QStyleOptionGroupBox(), QtWidgets.QStyle
            widget.initStyleOption(box)
            at = (
                widget.style()
                .subControlRect(
                    part.ComplexControl.CC_GroupBox,
                    box,
                    part.SubControl.SC_GroupBoxCheckBox,
                    widget,
                )
                .center()
            )
        held = Qt.KeyboardModifier.ControlModifier if add else Qt.KeyboardModifier.NoModifier
        at = widget.rect().center() if at is None else at
        QtTest.QTest.mouseClick(widget, Qt.MouseButton.LeftButton, held, at)


def _belongs(widget: Any, window: Any) -> bool:
    """Return whether a widget is in a window, or in one that the window has opened."""
    while widget is not None:
        if widget == window:
            return True
        widget = widget.parentWidget()
    return False


def fill(field: Any, text: str) -> None:
    """Replace what a field holds, by keys where a person would type."""
    if getattr(field, "isReadOnly", lambda: False)():
        raise Refused("it is read-only")
    field.setFocus()
    if isinstance(field, QtWidgets.QDateTimeEdit):
        _set_time(field, text)
        return
    if isinstance(field, QtWidgets.QAbstractSlider):
        if not re.fullmatch(r"-?\d+", text):
            raise Refused(f'"{text}" is no whole number')
        field.setValue(int(text))
    elif isinstance(field, QtWidgets.QAbstractSpinBox):
        line = field.findChild(QtWidgets.QLineEdit)
        line.selectAll()
        write(line, text or "\b")
        field.interpretText()
    else:
        field.selectAll()
        write(field, text or "\b")


def _set_time(field: Any, text: str) -> None:
    form, example = "yyyy-MM-ddTHH:mm", "2026-11-21T14:30"
    if isinstance(field, QtWidgets.QDateEdit):
        form, example = "yyyy-MM-dd", "2026-11-21"
    elif isinstance(field, QtWidgets.QTimeEdit):
        form, example = "HH:mm", "14:30"
    when = QtCore.QDateTime.fromString(text, form)
    if not when.isValid():
        raise Refused(f'"{text}" cannot be in it; write it as {example}')
    if isinstance(field, QtWidgets.QDateEdit):
        field.setDate(when.date())
    elif isinstance(field, QtWidgets.QTimeEdit):
        field.setTime(when.time())
    else:
        field.setDateTime(when)


def write(widget: Any, text: str) -> None:
    """Type a text, whatever letters are in it."""
    event, kinds = QtGui.QKeyEvent, QtCore.QEvent.Type
    keys = {"\n": Qt.Key.Key_Return, "\t": Qt.Key.Key_Tab, "\b": Qt.Key.Key_Backspace}
    for sign in text:
        key = keys.get(sign) or Qt.Key(ord(sign.upper()) if sign.isascii() else 0)
        letter = "\r" if sign == "\n" else sign
        for kind in (kinds.KeyPress, kinds.KeyRelease):
            typed = event(kind, key, Qt.KeyboardModifier.NoModifier, letter)
            QtWidgets.QApplication.sendEvent(widget, typed)


def front() -> Any:
    """Return the window that a person deals with now; None where none is open."""
    application = QtWidgets.QApplication
    found = application.activeModalWidget() or application.activeWindow()
    return found if found is not None and found.isVisible() else next(iter(windows()), None)


def windows() -> list[Any]:
    """Return the windows that are open, the oldest first."""
    found = [one for one in QtWidgets.QApplication.topLevelWidgets() if one.isVisible()]
    return sorted(found, key=key_of)


def picture() -> str:
    """Return all open windows, as they lie on the screen, as PNG in base64."""
    shown = [one for one in windows() if one.width() and one.height()]
    first = front()
    shown.sort(key=lambda one: (isinstance(one, QtWidgets.QMenu), one == first))
    whole = QtCore.QRect()
    for one in shown:
        whole = whole.united(one.geometry())
    image = QtGui.QImage(whole.size(), QtGui.QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.lightGray)
    painter = QtGui.QPainter(image)
    for one in shown:
        painter.drawPixmap(one.geometry().topLeft() - whole.topLeft(), one.grab())
    painter.end()
    data = QtCore.QBuffer()
    data.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    image.save(data, "PNG")
    return base64.b64encode(bytes(data.data())).decode()


# ---- what a person sees


def key_of(thing: Any) -> int:
    """Return the number by which a widget or action is known as long as it lives."""
    key = thing.property(_KEY)
    if key is None:
        key = Tree.last = Tree.last + 1
        thing.setProperty(_KEY, key)
    return int(key)


def plain(text: str) -> str:
    """Return a caption without the marks of its shortcut."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def readable(text: str) -> str:
    """Return what is read where Qt shows a text that may be rich."""
    if not _RICH.search(text):
        return text
    document = QtGui.QTextDocument()
    document.setHtml(text)
    return str(document.toPlainText())


def node(tag: str, attributes: dict[str, Any], *kids: Any) -> Node:
    """Return an element; attributes that say nothing are left out."""
    written = {
        n: n if v is True else str(v) for n, v in attributes.items() if v not in (None, False)
    }
    return [tag, written, [one for one in kids if one]]


class Tree:
    """The visible widgets as HTML elements, and what is behind each of them."""

    last = 0

    def __init__(self) -> None:
        self._things: dict[str, Thing] = {}
        self._ids: dict[int, str] = {}
        self._kinds: list[tuple[Any, Callable[[Any], Node | None]]] = [
            (QtWidgets.QLabel, self._label),
            (QtWidgets.QCheckBox, self._choice),
            (QtWidgets.QRadioButton, self._choice),
            (QtWidgets.QAbstractButton, self._button),
            (QtWidgets.QLineEdit, self._line),
            (QtWidgets.QTextEdit, self._area),
            (QtWidgets.QPlainTextEdit, self._area),
            (QtWidgets.QAbstractSpinBox, self._spin),
            (QtWidgets.QAbstractSlider, self._slider),
            (QtWidgets.QComboBox, self._combo),
            (QtWidgets.QProgressBar, lambda bar: self._of(bar, "p", bar.text())),
            (QtWidgets.QGroupBox, self._group),
            (QtWidgets.QTabBar, self._tabs),
            (QtWidgets.QListView, self._list),
            (QtWidgets.QAbstractItemView, self._table),
            (QtWidgets.QMenuBar, self._menu),
            (QtWidgets.QMenu, self._menu),
            (
                QtWidgets.QStatusBar,
                lambda bar: self._of(bar, "div", bar.currentMessage(), *self._kids(bar)),
            ),
            (
                QtWidgets.QDockWidget,
                lambda dock: self._of(
                    dock, "aside", ["h2", {}, [dock.windowTitle()]], *self._kids(dock)
                ),
            ),
        ]

    def thing(self, order: dict[str, Any]) -> Thing:
        """Return what an order is about, as the last look found it."""
        try:
            return self._things[order["on"]]
        except KeyError:
            raise LeftWindow("it is no longer there") from None

    def read(self) -> dict[str, Any]:
        """Return all open windows, the one in front first."""
        self._things, self._ids = {}, {}
        first = front()
        found = sorted(windows(), key=lambda one: one != first)
        return {
            "windows": [self._window(one) for one in found],
            "order": [str(key_of(one)) for one in windows()],
        }

    def _window(self, window: Any) -> Node:
        box = (QtWidgets.QMessageBox, QtWidgets.QInputDialog)
        kind = "dialog" if isinstance(window, QtWidgets.QDialog) else "window"
        if isinstance(window, QtWidgets.QMenu):
            kind = "menu"
        attributes = {"role": "alertdialog" if isinstance(window, box) else kind}
        title = window.windowTitle()
        about: dict[str, Any] = {
            **attributes,
            "data-modal": window.isModal(),
            "aria-label": title or None,
        }
        heading = node("h1", {}, title) if title else ""
        inner = self._widget(window)
        return self._of(window, "section", heading, *(inner[2] if inner else ()), **about)

    def _of(self, thing: Any, tag: str, *kids: Any, **about: Any) -> Node:
        """Return the element of a widget or action, by what all of them have in common."""
        key = str(key_of(thing))
        name = thing.objectName()
        attributes = {
            "id": self._id(thing),
            "data-on": key,
            "name": name if name and not name.startswith("qt_") else None,
            "title": plain(readable(thing.toolTip())) or None,
            "disabled": not thing.isEnabled(),
        }
        if isinstance(thing, QtWidgets.QWidget):
            attributes["aria-label"] = thing.accessibleName() or None
            attributes["class"] = _classes(thing)
            self._things.setdefault(key, Thing(thing))
        return node(
            tag, {**attributes, **{n.replace("_", "-"): v for n, v in about.items()}}, *kids
        )

    def _id(self, thing: Any) -> str:
        key, name = key_of(thing), thing.objectName()
        if key not in self._ids:
            taken = not name or name.startswith("qt_") or name in self._ids.values()
            self._ids[key] = f"widget-{key}" if taken else name
        return self._ids[key]

    def _widget(self, widget: Any) -> Node | None:
        for kind, describe in self._kinds:
            if isinstance(widget, kind):
                return describe(widget)
        return self._of(widget, "div", *self._kids(widget))

    def _kids(self, widget: Any) -> list[Node | None]:
        unread = (
            QtWidgets.QScrollBar,
            QtWidgets.QSizeGrip,
            QtWidgets.QSplitterHandle,
            QtWidgets.QHeaderView,
        )
        found = [
            one
            for one in widget.children()
            if isinstance(one, QtWidgets.QWidget)
            and one.isVisible()
            and not one.isWindow()
            and not isinstance(one, unread)
        ]
        found.sort(key=lambda one: (one.y(), one.x()))
        return [self._widget(one) for one in found]

    # ---- one kind after the other

    def _label(self, label: Any) -> Node:
        field = label.buddy() or _field_of(label)
        text = readable(label.text())
        if field is None:
            picture = label.pixmap()
            if picture is not None and not picture.isNull():
                return self._of(label, "img", alt=label.accessibleName() or None)
            return self._of(label, "span", text)
        return self._of(label, "label", plain(text), **{"for": self._id(field)})

    def _choice(self, box: Any) -> Node:
        kind = "checkbox" if isinstance(box, QtWidgets.QCheckBox) else "radio"
        field = self._of(box, "input", type=kind, checked=box.isChecked())
        return node("label", {}, field, plain(box.text()))

    def _button(self, button: Any) -> Node:
        pressed = str(button.isChecked()).lower() if button.isCheckable() else None
        return self._of(button, "button", plain(button.text()), type="button", aria_pressed=pressed)

    def _line(self, line: Any) -> Node:
        hidden = line.echoMode() != QtWidgets.QLineEdit.EchoMode.Normal
        return self._of(
            line,
            "input",
            type="password" if hidden else "text",
            value=line.text(),
            placeholder=line.placeholderText() or None,
            readonly=line.isReadOnly(),
        )

    def _area(self, area: Any) -> Node:
        if area.isReadOnly():
            return self._of(area, "pre", area.toPlainText())
        shown = area.placeholderText() or None
        return self._of(area, "textarea", area.toPlainText(), placeholder=shown)

    def _spin(self, spin: Any) -> Node:
        value, kind = spin.text(), "number"
        if isinstance(spin, QtWidgets.QDateTimeEdit):
            kind, value = "datetime-local", spin.dateTime().toString("yyyy-MM-ddTHH:mm")
            if isinstance(spin, QtWidgets.QDateEdit):
                kind, value = "date", spin.date().toString("yyyy-MM-dd")
            elif isinstance(spin, QtWidgets.QTimeEdit):
                kind, value = "time", spin.time().toString("HH:mm")
        elif hasattr(spin, "cleanText"):
            value = spin.cleanText()
        return self._of(spin, "input", type=kind, value=value, readonly=spin.isReadOnly())

    def _slider(self, slider: Any) -> Node:
        return self._of(slider, "input", type="range", value=slider.value())

    def _combo(self, combo: Any) -> Node:
        flags = [
            combo.model().flags(combo.model().index(n, combo.modelColumn(), combo.rootModelIndex()))
            for n in range(combo.count())
        ]
        options = [
            node(
                "option",
                {
                    "selected": row == combo.currentIndex(),
                    "disabled": not flags[row] & Qt.ItemFlag.ItemIsEnabled,
                    "data-row": row,
                },
                combo.itemText(row),
            )
            for row in range(combo.count())
        ]
        chosen = self._of(combo, "select", *options)
        if not combo.isEditable():
            return chosen
        line = self._line(combo.lineEdit())
        called = [one for one in combo.window().findChildren(QtWidgets.QLabel) if one.isVisible()]
        name = next((one for one in called if (one.buddy() or _field_of(one)) == combo), None)
        if name is not None:
            line[1]["aria-label"] = plain(readable(name.text()))
        return node("div", {}, chosen, line)

    def _group(self, group: Any) -> Node:
        title: Any = plain(group.title())
        if group.isCheckable():
            box = self._of(group, "input", type="checkbox", checked=group.isChecked())
            title = node("label", {}, box, title)
        about = {"id": None, "data-on": None} if group.isCheckable() else {}
        legend = node("legend", {}, title) if title else ""
        return self._of(group, "fieldset", legend, *self._kids(group), disabled=False, **about)

    def _tabs(self, bar: Any) -> Node:
        found = [
            self._part(
                bar,
                f"tab-{n}",
                "button",
                [plain(bar.tabText(n))],
                _tab(bar, n),
                {
                    "type": "button",
                    "role": "tab",
                    "aria-selected": str(n == bar.currentIndex()).lower(),
                    "disabled": not bar.isTabEnabled(n),
                },
            )
            for n in range(bar.count())
            if not hasattr(bar, "isTabVisible") or bar.isTabVisible(n)
        ]
        return self._of(bar, "div", *found, role="tablist")

    def _menu(self, menu: Any) -> Node:
        found = []
        for action in menu.actions():
            if not action.isVisible() or action.isSeparator():
                continue
            about: dict[str, Any] = {"type": "button", "role": "menuitem"}
            if action.isCheckable():
                about["aria-checked"] = str(action.isChecked()).lower()
            about["disabled"] = not action.isEnabled()
            name = action.objectName() or None
            text = [plain(action.text().partition("\t")[0])]
            about |= {"name": name, "id": self._id(action)}
            key = f"action-{key_of(action)}"
            found.append(
                node("li", {}, self._part(menu, key, "button", text, _at(menu, action), about))
            )
        return self._of(menu, "ul", *found, role="menu")

    def _part(
        self,
        widget: Any,
        part: str,
        tag: str,
        kids: list[Any],
        find: Callable[[], Any],
        about: dict[str, Any],
    ) -> Node:
        """Return the element of a part of a widget that is no widget itself."""
        key = f"{key_of(widget)}-{part}"
        self._things[key] = Thing(widget, find)
        return node(tag, {"data-on": key, **about}, *kids)

    # ---- lists, tables and trees

    def _list(self, view: Any) -> Node:
        model, root = view.model(), view.rootIndex()
        column = view.modelColumn()
        rows = range(min(model.rowCount(root), _MOST_ROWS)) if model is not None else ()
        many = view.selectionMode() != QtWidgets.QAbstractItemView.SelectionMode.SingleSelection
        found = [
            self._cell(view, model.index(row, column, root), "option", f"{row}")
            for row in rows
            if not view.isRowHidden(row)
        ]
        return self._of(
            view, "select", *found, size=max(2, len(found)), multiple=many, data_list=True
        )

    def _table(self, view: Any) -> Node:
        model = view.model()
        if model is None:
            return self._of(view, "table")
        columns = range(min(model.columnCount(view.rootIndex()), _MOST_COLUMNS))
        shown = [n for n in columns if not getattr(view, "isColumnHidden", lambda _: False)(n)]
        head = [self._heading(view, n) for n in shown]
        rows = self._rows(view, view.rootIndex(), shown, "")
        return self._of(
            view,
            "table",
            node("thead", {}, node("tr", {}, *head)) if any(head) else "",
            node("tbody", {}, *rows),
        )

    def _heading(self, view: Any, column: int) -> Node | None:
        header = getattr(view, "horizontalHeader", getattr(view, "header", lambda: None))()
        if header is None or not header.isVisible():
            return None
        text = view.model().headerData(column, Qt.Orientation.Horizontal)
        middle = header.sectionSize(column) // 2

        def find() -> Any:
            at = header.sectionViewportPosition(column) + middle
            return header.viewport(), QtCore.QPoint(at, header.height() // 2)

        role = {"role": "button"} if header.sectionsClickable() else {}
        title = "" if text is None else str(text)
        return self._part(view, f"head-{column}", "th", [title], find, role)

    def _rows(self, view: Any, parent: Any, columns: list[int], path: str) -> list[Node]:
        """Return the rows below an index, those of opened branches too."""
        model, rows = view.model(), []
        hidden = getattr(view, "isRowHidden", lambda *_: False)
        tree = isinstance(view, QtWidgets.QTreeView)
        for row in range(min(model.rowCount(parent), _MOST_ROWS)):
            if hidden(row, parent) if tree else hidden(row):
                continue
            here = f"{path}{row}."
            indices = [model.index(row, column, parent) for column in columns]
            cells = [self._cell(view, one, "td", f"{here}{one.column()}") for one in indices]
            rows.append(node("tr", {}, *cells))
            first = model.index(row, 0, parent)
            if tree and view.isExpanded(first):
                rows += self._rows(view, first, columns, here)
        return rows

    def _cell(self, view: Any, index: Any, tag: str, part: str) -> Node:
        roles = Qt.ItemDataRole
        value = index.data(roles.DisplayRole)
        text = "" if value is None else str(value)
        flags = index.flags()
        about: dict[str, Any] = {"disabled": not flags & Qt.ItemFlag.ItemIsEnabled}
        chosen = view.selectionModel() is not None and view.selectionModel().isSelected(index)
        about |= {"selected": chosen} if tag == "option" else {"role": "link"}
        if chosen and tag == "td":
            about["aria-selected"] = "true"
        place = QtCore.QPersistentModelIndex(index)

        def find() -> Any:
            if not place.isValid() or str(place.data(roles.DisplayRole) or "") != text:
                raise LeftWindow("the row is no longer there")
            now = view.model().index(place.row(), place.column(), place.parent())
            view.scrollTo(now)
            return view.viewport(), view.visualRect(now).center()

        kids: list[Any] = [text]
        state = index.data(roles.CheckStateRole)
        if state is not None and flags & Qt.ItemFlag.ItemIsUserCheckable:
            kids.insert(0, self._box(view, index, text, find, part))
        inner = view.indexWidget(index)
        if inner is not None and inner.isVisible():
            kids.append(self._widget(inner))
        return self._part(view, part, tag, kids, find, about)

    def _box(self, view: Any, index: Any, text: str, find: Callable[[], Any], part: str) -> Node:
        """Return the checkbox that stands in a cell."""
        wanted = getattr(Qt.CheckState.Checked, "value", 2)
        state = index.data(Qt.ItemDataRole.CheckStateRole)
        checked = getattr(state, "value", state) == wanted

        def at() -> Any:
            viewport, _ = find()
            option = QtWidgets.QStyleOptionViewItem()
            option.initFrom(view)
            option.rect = view.visualRect(index)
            option.features |= QtWidgets.QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
            place = QtWidgets.QStyle.SubElement.SE_ItemViewItemCheckIndicator
            return viewport, view.style().subElementRect(place, option, view).center()

        about = {"type": "checkbox", "checked": checked, "aria-label": text or None}
        return self._part(view, f"{part}-box", "input", [], at, about)


def _at(menu: Any, action: Any) -> Callable[[], Any]:
    return lambda: (menu, menu.actionGeometry(action).center())


def _tab(bar: Any, number: int) -> Callable[[], Any]:
    return lambda: (bar, bar.tabRect(number).center())


def _classes(widget: Any) -> str:
    """Return the names of a widget's classes, as CSS selectors may name them."""
    names = [kind.__name__ for kind in type(widget).__mro__]
    return " ".join(names[: names.index("QWidget") + 1])


def _field_of(label: Any) -> Any:
    """Return the field in whose row of a form a label stands; None where it is in none."""
    above = label.parentWidget()
    for form in above.findChildren(QtWidgets.QFormLayout) if above is not None else ():
        if form.indexOf(label) < 0:
            continue
        row, role = form.getWidgetPosition(label)
        beside = form.itemAt(row, QtWidgets.QFormLayout.ItemRole.FieldRole)
        if role == QtWidgets.QFormLayout.ItemRole.LabelRole and beside is not None:
            return beside.widget()
    return None
