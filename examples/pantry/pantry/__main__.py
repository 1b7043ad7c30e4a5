"""Starts the window: `python -m pantry`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QApplication

from pantry import __version__
from pantry.shelf import Shelf
from pantry.window import Window


def main() -> int:
    """Show the window until it is closed."""
    if "--version" in sys.argv[1:]:
        sys.stdout.write(f"pantry {__version__}\n")
        return 0
    application = QApplication(sys.argv)
    application.setApplicationName("pantry")
    shelf = Shelf(f"sqlite:///{_file()}")
    open_ = [Window(shelf)]
    open_[0].show()

    def start_anew() -> None:
        shelf.clear()
        before = open_.pop()
        open_.append(Window(shelf))
        open_[0].show()
        before.close()
        before.deleteLater()

    if "SLIPWAY_DESKTOP_AGENT" in os.environ:
        from pantry import desktop_agent

        desktop_agent.serve(reset=start_anew)
    code = application.exec()
    shelf.close()
    return code


def _file() -> Path:
    named = os.environ.get("PANTRY_FILE")
    if named:
        return Path(named)
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation)
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) / "pantry.sqlite"


if __name__ == "__main__":
    sys.exit(main())
