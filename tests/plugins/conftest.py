"""Packages that add kinds, installed for one test: a folder on the path with its metadata."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

LINT = '''
from typing import ClassVar, Literal

from slipway.plugins import Stage

class LintStage(Stage):
    """Look at the sources."""

    uses: Literal["lint"]
    strict: bool = False
    """Whether warnings fail."""
'''
RUN = """
from slipway.plugins import StageFailed

def run(job, report):
    if job.stage.strict:
        raise StageFailed("2 warnings; mend them")
    report.summary("nothing to say", warnings=0)
"""


@dataclass
class Installed:
    """A folder on Python's path, in which packages are."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def package(self, name: str, points: dict[str, dict[str, str]], **modules: str) -> None:
        """Install a package with entry points, by group and name, and with modules."""
        code = self.folder / name.replace("-", "_")
        code.mkdir()
        (code / "__init__.py").touch()
        for module, text in modules.items():
            (code / f"{module}.py").write_text(text)
        info = self.folder / f"{code.name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = []
        for group, named in points.items():
            lines += [f"[{group}]", *(f"{key} = {value}" for key, value in named.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")

    def lint(self, name: str = "slipway-lint", **modules: str) -> None:
        """Install a package with one kind of stage."""
        module = name.replace("-", "_")
        points = {"slipway.stages": {"lint": f"{module}.stage:LintStage"}}
        self.package(name, points, **{"stage": LINT, "run": RUN, **modules})

    def slipway(self, *words: str, cwd: Path | None = None, text: str = ""):
        """Run the command line with these packages installed."""
        env = {**os.environ, "PYTHONPATH": str(self.folder), "COLUMNS": "300", **self.env}
        return subprocess.run(
            [sys.executable, "-m", "slipway.cli", *words],
            cwd=cwd or self.folder,
            env=env,
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return Installed(folder)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder of a site whose project has one stage, of the kind lint."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "pipeline.toml").write_text(
        '[project.demo]\nrepository = "demo"\n\n[project.demo.stages.look]\nuses = "lint"\n'
        "\n[workers.local]\n"
    )
    (folder / "demo").mkdir()
    git = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "Begin"]):
        subprocess.run([*git, *words], cwd=folder / "demo", check=True)
    return folder
