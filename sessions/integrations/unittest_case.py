"""Sessions for unittest and nose2: `BrowserTestCase` beside `unittest.TestCase`."""

from __future__ import annotations

import atexit
import functools
import os
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from slipway.sessions.errors import DriverMissing
from slipway.sessions.evidence import write_evidence
from slipway.sessions.session import Session
from slipway.sessions.settings import Settings, read_settings
from slipway.sessions.visitors import Visitors, sessions_of

if TYPE_CHECKING:
    from slipway.sessions.drivers import Sessions

    _Base = unittest.TestCase
else:
    # A TestCase class here would be collected as an empty test wherever it is imported.
    _Base = object

__all__ = ["BrowserTestCase"]


class BrowserTestCase(_Base):
    """Mixin: `class ShopTest(BrowserTestCase, unittest.TestCase)`. Tests use `self.session`.

    The pages of a failed test are saved in the folder that $SLIPWAY_EVIDENCE names, and the error
    names the files.
    """

    tags: ClassVar[tuple[str, ...]] = ("javascript",)
    """Selects the session, as tags of features do; () is plain HTTP."""
    base_url: ClassVar[str | None] = None
    """The application's address; None: from SLIPWAY_BASE_URL or pyproject.toml."""
    _visitors: Visitors | None = None

    @property
    def session(self) -> Session:
        """The test's visitor, without cookies of other tests.

        Raises:
            WrongSetting: The application's address is not set.
            DriverMissing: No browser is installed.
            SkipTest: No browser is installed, and the setting without-browser is "skip".
        """
        settings = _settings(self.base_url)
        if self._visitors is None:
            self._visitors = Visitors(_sessions(settings), self.tags)
            self.addCleanup(self._leave)
        try:
            return self._visitors.first
        except DriverMissing as missing:
            if settings.without_browser == "skip":
                raise unittest.SkipTest(str(missing)) from None
            raise

    def subTest(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802  unittest's own name
        """Save the pages of a failed subtest, too."""
        return self._part(super().subTest(*args, **kwargs))

    @contextmanager
    def _part(self, part: Any) -> Iterator[None]:
        with part, self._kept_pages():
            yield

    # Overridden because the pages are still open when these two end; public hooks run after the
    # clean-up.
    def _callSetUp(self) -> None:  # noqa: N802
        with self._kept_pages():
            super()._callSetUp()  # type: ignore[misc]

    def _callTestMethod(self, method: Callable[[], None]) -> None:  # noqa: N802
        with self._kept_pages():
            super()._callTestMethod(method)  # type: ignore[misc]

    @contextmanager
    def _kept_pages(self) -> Iterator[None]:
        try:
            yield
        except unittest.SkipTest:
            raise
        except Exception as error:
            if self._visitors is not None:
                for page in self._visitors.pages():
                    error.add_note(f"page: {page}")
                for file in write_evidence(self.id(), self._visitors.evidence()):
                    error.add_note(f"evidence: {file}")
            raise

    def _leave(self) -> None:
        if self._visitors is not None:
            self._visitors.leave()
            self._visitors = None


def _settings(base_url: str | None) -> Settings:
    values = {"base_url": base_url} if base_url else {}
    return read_settings(values, os.environ, Path.cwd())


@functools.cache
def _sessions(settings: Settings) -> Sessions:
    """Return the sessions that all tests of the process share, with one browser."""
    sessions = sessions_of(settings)
    atexit.register(sessions.close)
    return sessions
