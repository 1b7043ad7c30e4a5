"""Record what a program imports, opens and lists; Python loads this file at its start.

Set by the host: this file's folder comes first in PYTHONPATH, and SLIPWAY_TRACE names the file to
append to. One line for each find: `m MODULE`, `f FILE`, `d FOLDER` or `c LIBRARY`. With no more
than Python has loaded by then: what is imported here would be missing from the record.
"""

import os
import sys

_WRITING = os.O_WRONLY | os.O_RDWR


class _Record:
    """The record; also a finder that finds nothing, but hears of each search."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._seen: "set[tuple[str, str]]" = set()
        self._is_writing = False

    def note(self, kind: str, value: object) -> None:
        """Append a find, unless it is known."""
        text = os.fsdecode(value) if isinstance(value, bytes) else value
        if self._is_writing or not isinstance(text, str) or "\n" in text:
            return
        if (kind, text) in self._seen:
            return
        self._seen.add((kind, text))
        # Writing is an event, too. Opened each time: a program may close what it did not open.
        self._is_writing = True
        try:
            file = os.open(self._target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, os.fsencode(f"{kind} {text}\n"))
            finally:
                os.close(file)
        except (OSError, ValueError):
            pass
        finally:
            self._is_writing = False

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Hear of an import."""
        self.note("m", name)

    def hear(self, event: str, given: "tuple[object, ...]") -> None:
        """Hear of an audit event."""
        if event == "open":
            flags = given[2]
            if not isinstance(flags, int) or not flags & _WRITING:
                self.note("f", given[0])
        elif event in {"os.listdir", "os.scandir"}:
            # Python's own search for modules lists every folder of a package.
            caller = sys._getframe(1).f_code.co_filename  # noqa: SLF001  the only way to ask
            if not caller.startswith("<frozen importlib"):
                self.note("d", given[0])
        elif event == "ctypes.dlopen":
            self.note("c", given[0])


def _load_next() -> None:
    """Load the sitecustomize that this one hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]
    own = sys.modules.pop("sitecustomize", None)
    try:
        __import__("sitecustomize")
    except ImportError:
        if own is not None:
            sys.modules["sitecustomize"] = own


if os.environ.get("SLIPWAY_TRACE"):
    _found = _Record(os.environ["SLIPWAY_TRACE"])
    sys.meta_path.insert(0, _found)
    sys.addaudithook(_found.hear)
_load_next()
