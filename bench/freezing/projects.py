"""Projects that bench/freeze.py freezes."""

from __future__ import annotations

import shutil
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.model.protocol.event import AnyEvent
from slipway.scripts.python_env.environment import Environment, prepare
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze.stage import FreezeStage

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "data" / "freeze"
ALMANAC = ROOT / "examples" / "almanac"
#: Opens the almanac's window over an empty book, and ends once it is drawn.
WINDOW = """\
import sys
from datetime import date

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from almanac.models import Base
from almanac.window import BookWindow

if "--help" in sys.argv or "--version" in sys.argv:
    sys.exit(0)
engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
application = QApplication(sys.argv[:1])
window = BookWindow(sessionmaker(engine), date(2026, 11, 30))
window.show()
QTimer.singleShot(0, lambda: (print(f"drawn {window.grab().width() > 0}"), application.quit()))
sys.exit(application.exec())
"""


class Quiet(Report):
    """Drops what is said."""

    def emit(self, event: AnyEvent) -> None:
        """Drop an event."""

    def log(self, text: str) -> None:
        """Drop output."""


@dataclass(frozen=True)
class Case:
    """A project, what is frozen of it, and how it shows that it works."""

    name: str
    source: Path
    stage: dict[str, Any]
    expect: str
    arguments: tuple[str, ...] = ()
    changed: str = ""
    """A file of its code, which gets one more line before it is frozen again."""
    files: dict[str, str] = field(default_factory=dict)
    """Files that are added to the copy of the project."""


MEASURED = [
    Case(
        "almanac, command line",
        ALMANAC,
        {"entry": "almanac"},
        "list",
        ("--help",),
        "almanac/book.py",
    ),
    Case(
        "almanac, window",
        ALMANAC,
        {"script": "show_window.py", "gui": True, "extras": ["gui"], "smoke": []},
        "drawn True",
        (),
        "almanac/book.py",
        {"show_window.py": WINDOW},
    ),
]


def corpus() -> list[Case]:
    """Return the applications of tests/data/freeze."""
    found = []
    for file in sorted(CORPUS.glob("*/case.toml")):
        case = tomllib.loads(file.read_text("utf-8"))
        if "needs" in case and not shutil.which(case["needs"]):
            continue
        stage: dict[str, Any] = {
            key: case[key] for key in ("script", "entry", "gui") if key in case
        }
        found.append(Case(file.parent.name, file.parent, stage, case["expect"]))
    return found


class Project:
    """A copy of a case's project, and the environment in which the rivals work."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        self.folder = folder
        self.source = folder / "project"
        # The almanac's own cached results and what a checkout holds otherwise stay out of it.
        shutil.copytree(
            case.source, self.source, ignore=shutil.ignore_patterns("case.toml", "__pycache__")
        )
        for name, text in case.files.items():
            (self.source / name).write_text(text, "utf-8")
        self.cache = folder / "cache"
        self.stage = FreezeStage.model_validate({"uses": "freeze"} | case.stage)
        self.gui = bool(case.stage.get("gui"))

    def environment(self, *tools: str) -> Environment:
        """Return an environment with the project and a tool."""
        return prepare(self.source, self.stage, self.cache, Quiet(), tools=tools)

    def script(self) -> Path:
        """Return the script that a person would hand to a tool that knows only scripts."""
        if self.stage.script:
            return self.source / self.stage.script
        entry = self.stage.entry[0] if self.stage.entry else None
        project = tomllib.loads((self.source / "pyproject.toml").read_text("utf-8"))["project"]
        scripts = project.get("scripts", {})
        target = scripts.get(entry) or entry or next(iter(scripts.values()))
        if ":" not in target:
            return self.source / target.replace(".", "/") / "__main__.py"
        module, _, function = target.partition(":")
        made = self.source / "start_program.py"
        made.write_text(
            f"import sys\nfrom {module} import {function}\n\n"
            f'if __name__ == "__main__":\n    sys.exit({function}())\n'
        )
        return made

    def change(self) -> None:
        """Change one line of the program."""
        file = self.source / self.case.changed
        file.write_text(f"{file.read_text('utf-8')}\nCHANGED = {time.time_ns()}\n", "utf-8")
