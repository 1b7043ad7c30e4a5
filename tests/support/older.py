"""A worker's installation of an older Slipway, whose stages would fail."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from slipway.workers.bundle.own_wheel import own_content, write_wheel

OLD = "0.0.9"
_UV = Path(sys.executable).with_name("uv")
#: Of the old code; a stage that runs it fails.
BROKEN = "raise RuntimeError('the worker runs its own code')\n"


def older_wheel(folder: Path, version: str = OLD) -> Path:
    """Write the wheel of this Slipway as another version, which can run no stage."""
    now = __import__("slipway").__version__
    content = []
    for name, data in own_content():
        text = data
        if name == "slipway/__init__.py":
            text = data.replace(now.encode(), version.encode())
        elif name == "slipway/scripts/stage.py":
            text = BROKEN.encode()
        elif name.endswith("/METADATA"):
            # Without extras: all of their packages are in this environment.
            lines = data.decode().replace(f"Version: {now}", f"Version: {version}", 1).splitlines()
            kept = [line for line in lines if not line.startswith("Provides-Extra")]
            text = "\n".join(kept).encode()
        content.append((name.replace(f"slipway-{now}.", f"slipway-{version}."), text))
    return write_wheel(folder, "slipway", version, content)


def installed(folder: Path, wheel: Path) -> Path:
    """Return the Python of an environment with a wheel; what it needs is this environment's."""
    _run("venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    _run("pip", "install", "--quiet", "--no-deps", "--python", python, wheel)
    words = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    Path(site, "needed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python


def _run(*words: str | Path) -> None:
    subprocess.run([_UV, *words], check=True, capture_output=True, timeout=120)
