import sys

from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication, QLabel

app = QApplication(sys.argv)
label = QLabel("ok")
label.resize(200, 50)
label.show()
print("window of", label.width(), flush=True)
QTimer.singleShot(100, app.quit)
sys.exit(app.exec_())
