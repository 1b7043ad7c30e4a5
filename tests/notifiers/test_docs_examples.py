"""The examples of docs/how-to/notice-channels.md are good tables of pipeline.toml."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipway.config import read
from slipway.model.kinds.notice import NOTIFIERS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "notice-channels.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
PROJECT = """[project.almanac]
repository = "almanac"
[project.almanac.stages.tests]
uses = "command"
argv = ["true"]
[workers.local]
"""


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_read(example, tmp_path):
    file = tmp_path / "pipeline.toml"
    file.write_text(f"{PROJECT}{example}")
    assert read(file).notify


def test_each_kind_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for kind in NOTIFIERS.members:
        assert f'kind = "{kind}"' in text
