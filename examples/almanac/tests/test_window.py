"""The desktop window; skipped where PySide6 is missing."""

from __future__ import annotations

import os
from datetime import date

import pytest
from conftest import add_appointment, person

from almanac.database import Sessions
from almanac.zoom import Level

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
widgets = pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)


@pytest.fixture(scope="module")
def application() -> object:
    return widgets.QApplication.instance() or widgets.QApplication([])


@pytest.mark.usefixtures("application")
def test_the_picker_zooms_out_and_in_to_another_day() -> None:
    from almanac.picker import ZoomPicker

    picker, chosen = ZoomPicker(date(2026, 11, 20)), []
    picker.chosen.connect(chosen.append)
    for title in ("2026", "2020 to 2029", "2000 to 2099"):
        picker.heading.click()
        assert picker.heading.text() == title
    assert not picker.heading.isEnabled()
    for start in (date(1990, 1, 1), date(1994, 1, 1), date(1994, 3, 1), date(1994, 3, 17)):
        picker.cells[start].click()
    assert (picker.level, chosen) == (Level.DAYS, [date(1994, 3, 17)])


@pytest.mark.usefixtures("application")
def test_the_picker_understands_keys() -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from almanac.picker import ZoomPicker

    picker = ZoomPicker(date(2026, 11, 20))
    QTest.keyClick(picker, Qt.Key.Key_Down)
    assert picker.focus == date(2026, 11, 27)
    QTest.keyClick(picker, Qt.Key.Key_Backspace)
    QTest.keyClick(picker, Qt.Key.Key_Right)
    QTest.keyClick(picker, Qt.Key.Key_Return)
    assert picker.heading.text() == "December 2026"
    QTest.keyClick(picker, Qt.Key.Key_PageUp)
    assert picker.heading.text() == "November 2026"


@pytest.mark.usefixtures("application")
def test_the_window_lists_the_chosen_day(sessions: Sessions) -> None:
    from almanac.window import BookWindow

    with sessions.begin() as session:
        session.add(person())
    add_appointment(sessions)
    window = BookWindow(sessions, date(2026, 12, 2))
    assert window.listing.item(0).text() == "No appointments on this day."
    window.picker.cells[date(2026, 12, 1)].click()
    assert window.listing.item(0).text() == "09:00 to 09:30  Check: Ann Lee"
    assert window.heading.text() == "Tuesday 1 December 2026"
