"""Which of a stage's inputs are frozen programs."""

import pytest

from slipway.model.protocol.job import Input
from slipway.scripts.archives.frozen import is_frozen


@pytest.mark.parametrize(
    ("uses", "name", "expected"),
    [
        ("freeze", "shelf-win-amd64.tar.zst", True),
        ("freeze", "shelf.tar.zst", True),
        ("sign", "shelf-win-amd64.tar.zst", True),
        # Passed on by it as any stage left it.
        ("sign", "docs.tar.zst", False),
        ("sign", "shelf-win-amd64.zip", False),
        ("command", "shelf-win-amd64.tar.zst", False),
    ],
)
def test_what_a_frozen_program_is(uses, name, expected):
    given = Input(stage="a", uses=uses, name=name, path=name, sha256="0" * 64, size=1)
    assert is_frozen(given) is expected
