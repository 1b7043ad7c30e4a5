"""The line that says what would be done at a target."""

import pytest

from slipway.scripts.stages.publish.delivery.plan import Deed, PlannedFile, PlannedTarget


@pytest.mark.parametrize(
    ("deeds", "line"),
    [
        ([Deed.NOTHING], "1 file is there"),
        ([Deed.NOTHING] * 8, "8 files are there"),
        ([Deed.SEND, Deed.NOTHING], "1 file is there, 1 file would be sent (5 bytes)"),
        ([Deed.REFUSE, Deed.REFUSE], "2 files refused"),
    ],
    ids=["one", "eight", "mixed", "refused"],
)
def test_it_counts_in_plain_words(deeds, line):
    files = [
        PlannedFile(name=str(number), size=5, sha256="a" * 64, deed=deed)
        for number, deed in enumerate(deeds)
    ]
    assert PlannedTarget(target="t", where="w", files=files).line == line
