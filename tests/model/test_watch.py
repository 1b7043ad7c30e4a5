"""Sizes as people write them, and the watch of a site."""

import pytest
from pydantic import ValidationError

from slipway.model.watch import Watch, format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [("5 GB", 5 * 10**9), ("1.5TB", 1.5e12), ("20mb", 2e7), ("7 B", 7), (12, 12)],
    ids=["blank", "part", "small letters", "bytes", "number"],
)
def test_sizes_are_read(text, size):
    assert parse_bytes(text) == size


NO_SIZES = {
    "no unit": "5",
    "GiB": "5 GiB",
    "minus": "-1 GB",
    "no number": "GB",
    "rate": "5 GB/s",
    "empty": "",
    "0": 0,
    "-3": -3,
    "bool": True,
    "float": 1.5,
    "None": None,
    "long": "9" * 400 + "GB",
}


@pytest.mark.parametrize("text", NO_SIZES.values(), ids=NO_SIZES)
def test_what_is_no_size_is_refused_in_one_sentence(text):
    with pytest.raises(ValueError, match=r"is no size; write text such as|must be more than zero"):
        parse_bytes(text)


def test_sizes_are_written():
    found = [format_bytes(one) for one in (0, 999, 4.2e9, 1.5e15)]
    assert found == ["0 B", "999 B", "4.2 GB", "1500.0 TB"]


def test_a_watch_is_written_as_people_do():
    made = Watch.model_validate(
        {"worker-missing": "10m", "disk-low": "5 GB", "queue-long": 7, "queue-time": "1h"}
    )
    assert (made.worker_missing, made.disk_low, made.queue_time) == (600, 5 * 10**9, 3600)
    with pytest.raises(ValidationError):
        Watch.model_validate({"queue-long": 0})
    with pytest.raises(ValidationError):
        Watch.model_validate({"disk-full": "5 GB"})
