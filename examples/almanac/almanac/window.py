"""The book in a desktop window: the zooming picker beside the chosen day's appointments."""

from __future__ import annotations

import sys
from datetime import date

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QListWidget, QVBoxLayout, QWidget

from almanac import __version__, book, zoom
from almanac.database import Sessions
from almanac.picker import ZoomPicker


class BookWindow(QWidget):
    """Shows one day of the book."""

    def __init__(self, sessions: Sessions, day: date) -> None:
        super().__init__()
        self.sessions = sessions
        self.setWindowTitle(f"Almanac {__version__}")
        self.picker = ZoomPicker(day, self)
        self.picker.chosen.connect(self.show_day)
        self.heading = QLabel(self)
        font = QFont(self.heading.font())
        font.setPointSizeF(font.pointSizeF() * 1.4)
        font.setBold(True)
        self.heading.setFont(font)
        self.listing = QListWidget(self)
        self.listing.setAccessibleName("Appointments")
        self.listing.setWordWrap(True)
        self.listing.setSpacing(3)
        self._arrange()
        self.show_day(day)

    def _arrange(self) -> None:
        right = QVBoxLayout()
        right.addWidget(self.heading)
        right.addWidget(self.listing)
        both = QHBoxLayout(self)
        both.addWidget(self.picker)
        both.addLayout(right, 1)
        self.resize(760, 380)

    def show_day(self, day: date) -> None:
        """List the appointments of a day."""
        self.heading.setText(zoom.long_name(day))
        self.listing.clear()
        with self.sessions() as session:
            for each in book.appointments_on(session, day):
                where = f" ({each.place.name})" if each.place else ""
                self.listing.addItem(
                    f"{each.starts:%H:%M} to {each.ends:%H:%M}  {each.title}: "
                    f"{each.person.name}{where}"
                )
        if not self.listing.count():
            self.listing.addItem("No appointments on this day.")


def show(sessions: Sessions) -> int:
    """Open the window and wait until it is closed."""
    application = QApplication.instance() or QApplication(sys.argv[:1])
    window = BookWindow(sessions, date.today())
    window.show()
    return int(application.exec())
