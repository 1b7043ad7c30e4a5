"""A window with one of everything; its agent and what it resets are said by the environment."""

import os
import sys

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDateEdit,
    QDialog,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QInputDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QSlider,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

application = QApplication(sys.argv)
if "SLIPWAY_DESKTOP_AGENT" in os.environ:
    from slipway.sessions.desktop import agent

    agent.serve()

window = QMainWindow()
window.setWindowTitle("Everything")
inside, form = QWidget(), QFormLayout()
inside.setLayout(form)
scroll = QScrollArea()
scroll.setWidgetResizable(True)
scroll.setWidget(inside)
window.setCentralWidget(scroll)
said = QLabel("nothing yet", objectName="said")
form.addRow(said)

name = QLineEdit(placeholderText="your name")
form.addRow("&Name:", name)
secret = QLineEdit(echoMode=QLineEdit.EchoMode.Password, accessibleName="Secret")
form.addRow(secret)
fixed = QLineEdit("as it is", readOnly=True)
form.addRow("Fixed", fixed)
off = QLineEdit(enabled=False)
form.addRow("Off", off)
day = QDateEdit()
form.addRow("Day", day)
number = QSpinBox(maximum=99)
form.addRow("Number", number)
volume = QSlider(Qt.Orientation.Horizontal, accessibleName="Volume")
form.addRow(volume)
colour = QComboBox()
colour.addItems(["Red", "Green", "Blue"])
colour.model().item(1).setEnabled(False)
form.addRow("Colour", colour)
own = QComboBox(editable=True)
own.addItems(["A", "B"])
form.addRow("Own", own)
news = QCheckBox("&News")
form.addRow(news)
small, large = QRadioButton("Small"), QRadioButton("Large")
form.addRow(small)
form.addRow(large)
about = QPlainTextEdit()
form.addRow("About", about)
items = QListWidget(selectionMode=QListWidget.SelectionMode.ExtendedSelection)
items.addItems(["first", "second", "third"])
form.addRow("Items", items)
prices = QTableWidget(40, 2, accessibleName="Prices")
prices.setHorizontalHeaderLabels(["Thing", "Price"])
for row in range(40):
    prices.setItem(row, 0, QTableWidgetItem(f"Thing {row}"))
    prices.setItem(row, 1, QTableWidgetItem(f"{row}.50"))
prices.item(0, 0).setFlags(prices.item(0, 0).flags() | Qt.ItemFlag.ItemIsUserCheckable)
prices.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
prices.setCellWidget(1, 1, QPushButton("Buy it"))
prices.cellWidget(1, 1).clicked.connect(lambda: said.setText("bought"))
form.addRow(prices)
tree = QTreeWidget(accessibleName="Tree")
tree.setHeaderLabels(["Branch"])
branch = QTreeWidgetItem(tree, ["Oak"])
QTreeWidgetItem(branch, ["Leaf"])
form.addRow(tree)
tabs = QTabWidget()
tabs.addTab(QLabel("page one"), "One")
tabs.addTab(QLabel("page two"), "Two")
form.addRow(tabs)
extras = QGroupBox("Extras", checkable=True)
QVBoxLayout(extras).addWidget(QPushButton("Inside"))
form.addRow(extras)


def tell() -> None:
    """Say what all fields hold, as slowly as a real program would."""
    chosen = ",".join(one.text() for one in items.selectedItems())
    rows = ",".join(one.text() for one in prices.selectedItems())
    boxes = (news, small, large, extras)
    told = (
        name.text(),
        secret.text(),
        day.date().toPython().isoformat(),
        number.value(),
        volume.value(),
        colour.currentText(),
        own.currentText(),
        "".join(str(int(one.isChecked())) for one in boxes),
        about.toPlainText().replace("\n", "/"),
        chosen,
        rows,
        prices.item(0, 0).checkState().name,
        tabs.currentIndex(),
    )
    QTimer.singleShot(300, lambda: said.setText("|".join(map(str, told))))


def prompt() -> None:
    """Ask for a text, and wait for it."""
    said.setText(str(QInputDialog.getText(window, "Prompt", "Your name?")))


def ask() -> None:
    """Ask a question, and wait for the answer."""
    answer = QMessageBox.question(window, "Sure?", "Really <b>delete</b> it?")
    said.setText(f"answered {answer.name}")


def choose_file() -> None:
    """Ask for a file."""
    said.setText(QFileDialog.getOpenFileName(window, "Choose a file")[0])


def second() -> None:
    """Open another window."""
    other = QDialog(window)
    other.setWindowTitle("Other")
    QFormLayout(other).addRow("Note", QLineEdit())
    other.show()


for text, operation in (
    ("&Tell", tell),
    ("Prompt", prompt),
    ("File ...", choose_file),
    ("Other window", second),
    ("Crash", lambda: os._exit(7)),
    ("Quit", application.quit),
):
    button = QPushButton(text)
    button.clicked.connect(operation)
    form.addRow(button)
menu = window.menuBar().addMenu("&Edit")
action = menu.addAction("&Delete ...", ask)
action.setShortcut("Ctrl+D")
menu.addAction("Never").setEnabled(False)
window.statusBar().showMessage("Ready.")
window.resize(500, 400)
window.show()
sys.stderr.write("the window is open\n")
sys.exit(application.exec())
