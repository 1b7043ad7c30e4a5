"""The window: a form, a table, and what must be bought."""

from __future__ import annotations

from PySide6.QtCore import QDate, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDateEdit,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMessageBox,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from pantry.shelf import Shelf, WrongThing

PLACES = ("Shelf", "Fridge", "Freezer")
_COLUMNS = ("Thing", "Amount", "Place", "Best before")
_LOOKING = 150


class Window(QMainWindow):
    """All of the program that people see."""

    def __init__(self, shelf: Shelf) -> None:
        """Show what is on a shelf."""
        super().__init__()
        self._shelf = shelf
        self.setWindowTitle("Pantry")
        self.resize(560, 620)
        self._make_menu()
        self._make_form()
        self._make_table()
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.addWidget(self._form)
        rows.addWidget(self._table)
        below = QHBoxLayout()
        below.addWidget(self._take)
        below.addWidget(self._buy)
        rows.addLayout(below)
        rows.addWidget(self._list)
        self.setCentralWidget(inside)
        self._refresh()
        self.statusBar().showMessage("Ready.")

    def _make_menu(self) -> None:
        menu = self.menuBar().addMenu("&Pantry")
        clear = menu.addAction("&Throw everything away", self._clear)
        clear.setShortcut(QKeySequence("Ctrl+Shift+T"))
        menu.addSeparator()
        menu.addAction("&Quit", self.close)

    def _make_form(self) -> None:
        self._name = QLineEdit(placeholderText="such as rice")
        self._amount = QSpinBox(minimum=0, maximum=999)
        self._amount.setValue(1)
        self._place = QComboBox()
        self._place.addItems(PLACES)
        self._keeps = QRadioButton("Keeps for ever")
        self._spoils = QRadioButton("Best before a day")
        self._keeps.setChecked(True)
        self._day = QDateEdit(QDate(2026, 12, 31))
        self._day.setEnabled(False)
        self._spoils.toggled.connect(self._day.setEnabled)
        self._always = QCheckBox("Buy when there is none")
        put = QPushButton("Put on the shelf")
        put.setDefault(True)
        put.clicked.connect(self._put)
        self._form = QGroupBox("New")
        form = QFormLayout(self._form)
        form.addRow("&Thing:", self._name)
        form.addRow("&Amount:", self._amount)
        form.addRow("&Place:", self._place)
        form.addRow(self._keeps)
        form.addRow(self._spoils)
        form.addRow("&Day:", self._day)
        form.addRow(self._always)
        form.addRow(put)

    def _make_table(self) -> None:
        self._table = QTableWidget(0, len(_COLUMNS), accessibleName="Things")
        self._table.setHorizontalHeaderLabels(_COLUMNS)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.itemSelectionChanged.connect(self._selected)
        self._take = QPushButton("Take one")
        self._take.clicked.connect(self._take_one)
        self._buy = QPushButton("What must be bought?")
        self._buy.clicked.connect(self._look)
        self._list = QLabel(objectName="shopping-list")

    # ---- what people do

    def _put(self) -> None:
        day = self._day.date().toPython() if self._spoils.isChecked() else None
        try:
            thing = self._shelf.put(
                self._name.text(),
                self._amount.value(),
                self._place.currentText(),
                best_before=day,
                always=self._always.isChecked(),
            )
        except WrongThing as why:
            QMessageBox.warning(self, "Not put", str(why))
            return
        self.statusBar().showMessage(f"{thing.name} is in the {thing.place.lower()}.")
        self._name.clear()
        self._amount.setValue(1)
        self._refresh()

    def _take_one(self) -> None:
        name = self._table.item(self._table.currentRow(), 0).text()
        self._shelf.take(name)
        self.statusBar().showMessage(f"One {name} taken.")
        self._refresh()

    def _look(self) -> None:
        """Go and look; it takes a moment, as with any real pantry."""
        self._list.setText("Looking ...")
        QTimer.singleShot(_LOOKING, self._show_list)

    def _show_list(self) -> None:
        self._list.setText("To buy: " + (", ".join(self._shelf.to_buy()) or "nothing"))

    def _clear(self) -> None:
        answer = QMessageBox.question(self, "Sure?", "Throw everything away?")
        if answer == QMessageBox.StandardButton.Yes:
            count = self._shelf.clear()
            self.statusBar().showMessage(f"{count} kinds of things thrown away.")
            self._refresh()

    # ---- what they see

    def _selected(self) -> None:
        self._take.setEnabled(bool(self._table.selectedItems()))

    def _refresh(self) -> None:
        things = self._shelf.things()
        self._table.setRowCount(len(things))
        for row, thing in enumerate(things):
            day = thing.best_before.isoformat() if thing.best_before else ""
            for column, text in enumerate((thing.name, str(thing.amount), thing.place, day)):
                self._table.setItem(row, column, QTableWidgetItem(text))
        self._table.clearSelection()
        self._selected()
