"""The zooming date picker as a Qt widget; its calendar is `almanac.zoom`."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from almanac import zoom
from almanac.zoom import Cell, Level

STYLE = """
QPushButton { border: 0; border-radius: 6px; padding: 4px; }
QPushButton:hover { background: palette(midlight); }
QPushButton:checked { background: palette(highlight); color: palette(highlighted-text); }
QPushButton:disabled, QPushButton[outside="true"]:!checked, QLabel { color: palette(dark); }
"""
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
ROWS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}


class ZoomPicker(QWidget):
    """Days, months, years, decades: the heading zooms out, a cell zooms in or chooses."""

    chosen = Signal(object)

    def __init__(self, day: date, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.level = Level.DAYS
        self.focus = day
        self.choice = day
        self.cells: dict[date, QPushButton] = {}
        self.earlier = self._head_button("<", "Earlier", lambda: self.step(-1))
        self.heading = self._head_button("", "Heading", self.zoom_out)
        self.later = self._head_button(">", "Later", lambda: self.step(1))
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        head = QHBoxLayout()
        for button in (self.earlier, self.heading, self.later):
            head.addWidget(button)
        self.body = QWidget(self)
        self.outer = QVBoxLayout(self)
        self.outer.addLayout(head)
        self.outer.addWidget(self.body, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setStyleSheet(STYLE)
        self.setFixedWidth(340)
        self.setMinimumHeight(300)
        self.draw()

    def _head_button(self, text: str, name: str, action: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setAccessibleName(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action)
        return button

    def draw(self) -> None:
        """Show the grid of the current level around the focused day."""
        self.heading.setText(zoom.title(self.level, self.focus))
        self.heading.setEnabled(self.level is not Level.DECADES)
        self.earlier.setEnabled(zoom.can_step(self.level, self.focus, -1))
        self.later.setEnabled(zoom.can_step(self.level, self.focus, 1))
        body = QWidget(self)
        layout = QGridLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.cells = {}
        if self.level is Level.DAYS:
            for column, name in enumerate(zoom.WEEKDAYS):
                layout.addWidget(QLabel(name[:2]), 0, column, Qt.AlignmentFlag.AlignCenter)
        for row, cells in enumerate(zoom.grid(self.level, self.focus), 1):
            for column, cell in enumerate(cells):
                if cell is not None:
                    layout.addWidget(self._cell(cell), row, column)
        self.outer.replaceWidget(self.body, body)
        self.body.hide()
        self.body.deleteLater()
        self.body = body

    def _cell(self, cell: Cell) -> QPushButton:
        button = QPushButton(cell.label)
        button.setProperty("outside", not cell.inside)
        button.setCheckable(True)
        button.setChecked(self._holds(cell, self.focus))
        button.setAccessibleName(cell.name)
        button.setToolTip(cell.name)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        button.setMinimumWidth(34)
        button.clicked.connect(lambda: self.take(cell.start))
        self.cells[cell.start] = button
        return button

    def _holds(self, cell: Cell, day: date) -> bool:
        if self.level is Level.DAYS:
            return cell.start == day
        after = zoom.move(self.level, cell.start, 1)
        return cell.start <= day and (day < after or after <= cell.start)

    def take(self, day: date) -> None:
        """Zoom into a cell, or choose its day."""
        self.focus = day
        if self.level is Level.DAYS:
            self.choice = day
            self.draw()
            self.chosen.emit(day)
        else:
            self.level = zoom.zoom_in(self.level)
            self.draw()

    def zoom_out(self) -> None:
        """Show the next wider level."""
        self.level = zoom.zoom_out(self.level)
        self.draw()

    def step(self, periods: int) -> None:
        """Show the grid before or after."""
        self.focus = zoom.step(self.level, self.focus, periods)
        self.draw()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Travel with the arrows and the page keys, zoom with Enter and Backspace."""
        key = Qt.Key(event.key())
        cells = STEPS.get(key, 0) + ROWS.get(key, 0) * zoom.COLUMNS[self.level]
        if cells:
            self.focus = zoom.move(self.level, self.focus, cells)
            self.draw()
        elif key in PAGES:
            self.step(PAGES[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.take(self.focus)
        elif key is Qt.Key.Key_Backspace:
            self.zoom_out()
        else:
            super().keyPressEvent(event)
