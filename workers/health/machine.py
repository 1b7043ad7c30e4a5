"""Check a worker's machine itself: disk, encoding, long paths, temporary files."""

from __future__ import annotations

import codecs
import locale
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from slipway.scripts import removal
from slipway.scripts.humanize import size_text
from slipway.workers.health.report import Line, good, warning, wrong
from slipway.workers.health.worker_files import Outlook

__all__ = ["check_disk", "check_encoding", "check_long_paths", "check_temp"]

#: Bytes that a worker needs at least, and should have: environments, a frozen tree, archives.
_NEEDED, _COMFORTABLE = 1_000_000_000, 5_000_000_000
#: Characters of a part of the long path that is tried, and their number: 3 parts exceed 260.
_PART, _PARTS = 100, 3
#: Characters that the folder of temporary files may have on Windows: compilers end at 260.
_LONGEST_TEMP = 100
#: A Polish word and a check mark: neither Western code pages nor ASCII have both.
_WORD = "żółw ✓"
_WINDOWS = sys.platform == "win32"
_LONG_PATHS = r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem"


def check_disk(outlook: Outlook) -> Iterator[Line]:
    """Check the free space of the worker's disk."""
    free = shutil.disk_usage(outlook.folder).free
    found = f"{size_text(free)} free for {outlook.folder}"
    advice = f"make room; {size_text(_COMFORTABLE)} are comfortable"
    if free < _NEEDED:
        yield wrong("disk", found, advice)
    elif free < _COMFORTABLE:
        yield warning("disk", found, advice)
    else:
        yield good("disk", found)


def check_encoding(outlook: Outlook) -> Iterator[Line]:
    """Check how names of files and texts are written, by a file with such a name."""
    names = sys.getfilesystemencoding()
    # Not locale.getencoding: in UTF-8 mode what other programs write is of interest.
    texts = locale.getpreferredencoding(do_setlocale=False)
    advice = "start the worker with PYTHONUTF8=1; on Linux with LANG=C.UTF-8, too"
    found = f"names of files {names}, texts {texts}, UTF-8 mode {'on' if _utf8_mode() else 'off'}"
    try:
        with tempfile.TemporaryDirectory(dir=outlook.folder, prefix=".check-") as folder:
            Path(folder, _WORD).write_text(_WORD, encoding="utf-8")
            readable = os.listdir(folder) == [_WORD]  # noqa: PTH208
    except (OSError, UnicodeError) as error:
        found = f"{found}; a file with letters beyond ASCII in its name cannot be made: {error}"
        yield wrong("encoding", found[:250], advice)
        return
    if not readable or _canonical(names) != "utf-8":
        yield wrong("encoding", found, advice)
    elif _canonical(texts) != "utf-8":
        yield warning("encoding", found, advice)
    else:
        yield good("encoding", found)


def _utf8_mode() -> bool:
    return bool(sys.flags.utf8_mode)


def _canonical(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name


def check_long_paths(outlook: Outlook) -> Iterator[Line]:
    """Check for paths beyond 260 characters, by making one and removing it."""
    top = outlook.folder / f".check-{secrets.token_hex(8)}"
    deepest = top.joinpath(*("l" * _PART for _ in range(_PARTS)))
    file = deepest / "file.txt"
    try:
        deepest.mkdir(parents=True)
        file.write_text("long", encoding="utf-8")
        done = file.read_text(encoding="utf-8") == "long"
        why = "what was written is not there"
    except OSError as error:
        done, why = False, error.strerror or str(error)
    left = removal.remove(top)
    if done and not left:
        yield good("long paths", f"{len(str(file))} characters")
        return
    if left:
        why = f"{left[0][-120:]}, after it was made"
    advice = (
        f"as administrator: reg add {_LONG_PATHS} /v LongPathsEnabled /t REG_DWORD /d 1; then "
        "start the worker again"
        if _WINDOWS
        else "use another file system for the worker's folder"
    )
    yield wrong(
        "long paths", f"a path of {len(str(file))} characters cannot be used: {why}", advice
    )


def check_temp(_outlook: Outlook) -> Iterator[Line]:
    """Check the folder of temporary files: writable, and short on Windows."""
    advice = "set TEMP and TMP to such a folder" if _WINDOWS else "set TMPDIR to such a folder"
    try:
        folder = tempfile.gettempdir()
        with tempfile.NamedTemporaryFile(dir=folder) as stream:
            stream.write(b"temporary")
            stream.flush()
    except OSError as error:
        found = f"nothing can be written there: {error.strerror or error}"
        yield wrong("temp", found[:250], advice.replace("such a", "a writable"))
        return
    free = shutil.disk_usage(folder).free
    if free < _NEEDED // 10:
        found = f"{folder} has {size_text(free)} free"
        yield wrong("temp", found, advice.replace("such a folder", "a folder with more room"))
    elif _WINDOWS and len(folder) > _LONGEST_TEMP:
        found = f"{folder} is {len(folder)} characters long"
        yield warning("temp", found, advice.replace("such a folder", "a shorter one, as C:\\T"))
    else:
        yield good("temp", folder)
