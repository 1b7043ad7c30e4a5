import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel

app = QApplication(sys.argv)
label = QLabel("ok")
label.resize(200, 50)
label.show()
print("window of", label.width(), flush=True)
QTimer.singleShot(100, app.quit)
sys.exit(app.exec())
