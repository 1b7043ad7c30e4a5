"""What a worker that is kept apart sees of plugins: their packages, wherever they are installed."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from slipway.model.kinds.registry import Kinds
from slipway.model.kinds.stage import Stage
from slipway.workers.isolation import needs

LINT = """
from typing import Literal
from slipway.plugins import Stage

class LintStage(Stage):
    uses: Literal["lint"]
"""


@pytest.mark.slow
def test_an_editable_plugin_is_seen_where_it_lies(tmp_path, monkeypatch):
    (tmp_path / "a_package").mkdir()
    (tmp_path / "a_package" / "__init__.py").write_text(LINT)
    monkeypatch.syspath_prepend(str(tmp_path))

    def found(group):
        return iter([EntryPoint("lint", "a_package:LintStage", group)])

    kinds = Kinds("slipway.stages", lambda: Stage, "uses", found=found)
    monkeypatch.setattr(needs, "EXTENSION_POINTS", (kinds,))
    assert list(needs._plugins()) == [tmp_path / "a_package"], kinds.broken
    sys.modules.pop("a_package")


def test_slipways_own_kinds_add_nothing():
    assert list(needs._plugins()) == []
