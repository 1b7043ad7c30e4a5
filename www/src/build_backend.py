"""setuptools, and before it the web pages: wheels and sdists hold them built."""

from __future__ import annotations

import sys
from typing import Any

import build_pages
from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def build_sdist(folder: str, settings: Any = None) -> str:
    """Build the sdist; it holds the built pages, so that nobody needs Node for it."""
    _pages()
    return build_meta.build_sdist(folder, settings)


def build_wheel(folder: str, settings: Any = None, metadata: str | None = None) -> str:
    """Build the wheel."""
    _pages()
    return build_meta.build_wheel(folder, settings, metadata)


def _pages() -> None:
    if not build_pages.have_sources():
        return
    try:
        build_pages.build()
    except build_pages.NotBuilt as error:
        # A machine that reaches no registry still gets a Slipway that works.
        print(f"warning: built without the web pages: {error}", file=sys.stderr)
