"""A site with people in it, one for each file of tests, and a browser signed in to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.support import browser as looking
from tests.www.pages.demo import Demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    made = Demo(tmp_path_factory.mktemp("demo"))
    try:
        made.make_project()
        made.write_demo()
        made.up()
        with made.person("ann") as ann:
            made.rest(ann, 1, "waiting")
        yield made
    finally:
        left = made.end_processes()
    assert not left, f"left running: {left}"


@pytest.fixture
def page(demo: Demo) -> Iterator[Chrome]:
    with looking.browser() as driver, demo.person("ann") as ann:
        looking.sign_in(driver, demo.url, dict(ann.cookies))
        looking.view(driver, 1280, 900)
        yield driver
