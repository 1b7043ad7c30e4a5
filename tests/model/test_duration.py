"""Durations: what people write, and what they read."""

import pytest

from slipway.model.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1, 1),
        (90, 90),
        ("90s", 90),
        ("15m", 900),
        ("12h", 43_200),
        ("2d", 172_800),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        (" 12h ", 43_200),
        ("12", 12),
        ("0h1s", 1),
    ],
)
def test_what_people_write(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "h", "12x", "1.5h", "-1h", "12H", "h12", "1h-1m", None, True, 1.5, [1]]
)
def test_anything_else_is_told(written):
    with pytest.raises(ValueError, match=r'is no duration; write seconds, or text such as "90s"'):
        parse_duration(written)


@pytest.mark.parametrize("written", [0, -1, "0s", "0d0h"])
def test_nothing_is_no_duration(written):
    with pytest.raises(ValueError, match="must be longer than zero"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (9.94, "9.9s"),
        (10, "10s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (60, "1m00s"),
        (185, "3m05s"),
        (3599.7, "1h00m"),
        (7_800, "2h10m"),
        (90_000, "25h00m"),
    ],
)
def test_what_people_read(seconds, text):
    assert format_duration(seconds) == text
