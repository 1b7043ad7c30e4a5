"""Settings of the stage that runs tests."""

from __future__ import annotations

from typing import ClassVar, Literal

from slipway.model.base import Name, Part
from slipway.model.kinds.stage import ApplicationStage

__all__ = ["Suite", "TestsStage"]


class Suite(Part):
    """One test suite."""

    runner: Literal["pytest", "nose2", "unittest", "django"]
    """The test runner; `django` is the project's `manage.py test`."""
    arguments: tuple[str, ...] = ()
    """Arguments for the runner, such as a folder."""
    name: Name | None = None
    """Name in reports. None: the runner's name."""


class TestsStage(ApplicationStage):
    """Run the application's tests with nose2, pytest, unittest or Django's own runner."""

    __test__: ClassVar[bool] = False  # pytest would collect the class by its name
    can_shard: ClassVar[bool] = True
    leaves_products: ClassVar[bool] = False
    takes_default_groups: ClassVar[bool] = True

    uses: Literal["tests"]
    suites: tuple[Suite, ...] = ()
    """The suites to run. None given: found by what the project configures and requires, and by what
    its tests are written for."""
