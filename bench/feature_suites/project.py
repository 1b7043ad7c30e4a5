"""A user's project for the bench: its suites, and an environment with the rivals in it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

LOG_IN = (
    '    When I fill in "User name" with "ann"',
    '    And I fill in "Password" with "secret"',
    '    And I press "Log in"',
    '    Then I should see "Hello ann"',
    '    When I follow "New order"',
)
#: What the rivals are measured in: the newest of 2026-11.
RIVALS = ("behave-pool==1.3.0", "behavex==4.6.8")


@dataclass(frozen=True)
class Suite:
    """Scenarios of one kind, in files of the same size."""

    name: str
    files: int
    each: int
    tag: str = ""
    page: str = "/login"

    @property
    def scenarios(self) -> int:
        """Number of scenarios."""
        return self.files * self.each

    @property
    def titles(self) -> set[str]:
        """The names of all scenarios; the application is told them."""
        return {
            f"{self.name} {file}-{number}"
            for file in range(self.files)
            for number in range(self.each)
        }

    def write(self, folder: Path) -> None:
        """Write its feature files into a project."""
        place = folder / "features" / self.name
        place.mkdir(parents=True)
        for file in range(self.files):
            lines = [f"Feature: {self.name} {file}"]
            for number in range(self.each):
                title = f"{self.name} {file}-{number}"
                lines += [
                    f"  {self.tag}".rstrip(),
                    f"  Scenario: {title}",
                    f'    Given I am on "{self.page}"',
                    *(LOG_IN if self.page.endswith("login") else ()),
                    f'    When I fill in "Name" with "{title}"',
                    '    And I select "blue" from "Colour"',
                    '    And I press "Save"',
                    f'    Then I should see "{title} likes blue"',
                ]
            (place / f"{self.name}{file:03}.feature").write_text("\n".join(lines) + "\n")


def make(folder: Path, suites: tuple[Suite, ...], *, rivals: bool) -> Path:
    """Make the project.

    Args:
        folder: Where.
        suites: What lies in its features folder.
        rivals: Install them; it takes a package index, or uv's cache.

    Returns:
        The Python of its own environment, which all ways use.
    """
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    steps = folder / "features" / "steps"
    steps.mkdir(parents=True)
    (folder / "features" / "environment.py").write_text(
        "from slipway.sessions.integrations.behave_hooks import *\n"
    )
    (steps / "ready.py").write_text("from slipway.sessions.steps import *\n")
    for suite in suites:
        suite.write(folder)
    home = folder / ".venv"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(home)], check=True)
    python = home / "bin" / "python"
    if rivals:
        words = ["pip", "install", "--quiet", "--python", str(python), *RIVALS]
        subprocess.run([uv, *words, f"behave=={version('behave')}"], check=True)
    # All programs use this environment's packages; the rivals' own come first on the path.
    ours = Path(sys.prefix, "lib", f"python3.{sys.version_info[1]}", "site-packages")
    found = home / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    (found / "slipway-bench.pth").write_text(f"import site; site.addsitedir({str(ours)!r})\n")
    return python
