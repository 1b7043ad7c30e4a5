"""When a gate may open: the wall clock, midnight, the clocks' changes, wrong input."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from slipway.model.kinds.time_window import DAYS, Window, is_open, next_opening, sentence

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Window(days=["mon-fri"], hours="09:00-16:30", zone="Europe/Berlin")
NIGHT = Window(days=["sat"], hours="22:00-04:00", zone="Europe/Berlin")


def berlin(*parts, fold=0):
    return datetime(*parts, tzinfo=BERLIN, fold=fold)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "at", "opened"),
    [
        (OFFICE, berlin(2026, 3, 11, 9, 0), True),
        (OFFICE, berlin(2026, 3, 11, 8, 59, 59), False),
        (OFFICE, berlin(2026, 3, 11, 16, 29, 59), True),
        (OFFICE, berlin(2026, 3, 11, 16, 30), False),
        (OFFICE, berlin(2026, 3, 14, 12, 0), False),
        (OFFICE, utc(2026, 3, 27, 7, 59), False),
        (OFFICE, utc(2026, 3, 27, 8, 0), True),
        (OFFICE, utc(2026, 3, 30, 7, 0), True),
        (OFFICE, datetime(2026, 3, 11, 0, 30, tzinfo=timezone(timedelta(hours=-8))), True),
        (NIGHT, berlin(2026, 3, 14, 22, 0), True),
        (NIGHT, berlin(2026, 3, 15, 3, 59), True),
        (NIGHT, berlin(2026, 3, 15, 4, 0), False),
        (NIGHT, berlin(2026, 3, 14, 3, 0), False),
        (Window(), utc(2026, 3, 14, 0, 0), True),
        (Window(days=["sat-mon"]), utc(2026, 3, 15, 12), True),
        (Window(days=["sat-mon"]), utc(2026, 3, 17, 0), False),
        (Window(days=["mon", "wed"]), utc(2026, 3, 11, 23, 59), True),
        (Window(days=["tue"], hours="12:00-24:00"), utc(2026, 3, 10, 23, 59, 59), True),
        (Window(days=["tue"], hours="12:00-24:00"), utc(2026, 3, 11, 0, 0), False),
    ],
)
def test_open_by_the_clock_on_the_wall(window, at, opened):
    assert is_open([window], at) is opened


@pytest.mark.parametrize(
    ("window", "at", "opens"),
    [
        (OFFICE, berlin(2026, 3, 11, 10, 0), berlin(2026, 3, 11, 10, 0)),
        (OFFICE, berlin(2026, 3, 11, 8, 0), berlin(2026, 3, 11, 9, 0)),
        (OFFICE, berlin(2026, 3, 27, 16, 30), utc(2026, 3, 30, 7, 0)),
        (OFFICE, berlin(2026, 10, 23, 17, 0), utc(2026, 10, 26, 8, 0)),
        (NIGHT, berlin(2026, 3, 15, 4, 0), berlin(2026, 3, 21, 22, 0)),
        # Clocks go from 02:00 to 03:00 on 29 March: what begins between opens at 03:00 ...
        (
            Window(days=["sun"], hours="02:30-05:00", zone="Europe/Berlin"),
            berlin(2026, 3, 29, 0, 0),
            utc(2026, 3, 29, 1, 0),
        ),
        # ... and what lies in between not before the next week.
        (
            Window(days=["sun"], hours="02:15-02:45", zone="Europe/Berlin"),
            berlin(2026, 3, 29, 0, 0),
            berlin(2026, 4, 5, 2, 15),
        ),
        # From 03:00 back to 02:00 on 25 October: the hour that comes twice opens twice.
        (
            Window(days=["sun"], hours="02:15-02:45", zone="Europe/Berlin"),
            utc(2026, 10, 25, 0, 50),
            utc(2026, 10, 25, 1, 15),
        ),
        (
            Window(days=["sun"], hours="01:00-02:30", zone="Europe/Berlin"),
            utc(2026, 10, 25, 0, 45),
            utc(2026, 10, 25, 1, 0),
        ),
        # Half an hour is the whole change on Lord Howe Island.
        (
            Window(days=["sun"], hours="02:10-02:20", zone="Australia/Lord_Howe"),
            utc(2026, 10, 3, 15, 0),
            utc(2026, 10, 10, 15, 10),
        ),
    ],
)
def test_the_next_opening(window, at, opens):
    assert next_opening([window], at) == opens


def test_of_several_windows_the_first_counts():
    windows = [OFFICE, Window(days=["sat"], hours="10:00-12:00", zone="Europe/Berlin")]
    assert next_opening(windows, berlin(2026, 3, 13, 20, 0)) == berlin(2026, 3, 14, 10, 0)
    assert sentence(windows) == (
        "Mon-Fri 09:00-16:30 Europe/Berlin or Sat 10:00-12:00 Europe/Berlin"
    )


def test_no_window_is_always_open():
    at = utc(2026, 3, 14, 3)
    assert is_open([], at)
    assert next_opening([], at) == at
    assert sentence([]) == "always"


@pytest.mark.parametrize("at", [utc(9999, 12, 31, 23, 59), utc(1, 1, 1)])
def test_a_clock_at_the_calendar_s_ends(at):
    assert next_opening([NIGHT], at) is None


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"days": ["funday"]}, '\'funday\' is no day of the week; write "mon" or "mon-fri"'),
        ({"days": ["mo-fr"]}, 'Did you mean "mon"?'),
        ({"days": ["mon-tue-wed"]}, "is no day of the week"),
        ({"days": [1]}, "1 is no day of the week"),
        ({"days": []}, "at least 1 item"),
        ({"hours": "9-17"}, 'is no span of hours; write "09:00-16:30", until 24:00 at most'),
        ({"hours": "09:00-24:30"}, "is no span of hours"),
        ({"hours": "24:00-09:00"}, "is no span of hours"),
        ({"hours": "09:60-10:00"}, "is no span of hours"),
        ({"hours": 9}, "9 is no span of hours"),
        ({"hours": "09:00-09:00"}, 'is empty; for the whole day write "00:00-24:00"'),
        ({"zone": "Europe/Berln"}, 'Did you mean "Europe/Berlin"?'),
        ({"zone": "Europe"}, "is no time zone"),
        ({"zone": "../../etc/passwd"}, "is no time zone"),
        ({"zone": ""}, "is no time zone"),
        ({"zone": "UTC\0"}, "is no time zone"),
        ({"zone": "x" * 5000}, "is no time zone"),
    ],
)
def test_windows_that_cannot_be(keys, told):
    with pytest.raises(ValidationError) as caught:
        Window.model_validate(keys)
    assert told in caught.value.errors()[0]["msg"]


def test_a_window_survives_the_trip_through_json():
    assert Window.model_validate_json(OFFICE.model_dump_json(by_alias=True)) == OFFICE


CLOCK = st.tuples(st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca",
     "Pacific/Apia", "Asia/Kathmandu", "America/Sao_Paulo"]
)  # fmt: skip
#: Around the changes of many clocks, and the day Samoa left out (30 December 2011).
MOMENTS = st.one_of(
    st.datetimes(datetime(2011, 12, 27), datetime(2012, 1, 2)),
    st.datetimes(datetime(2018, 10, 20), datetime(2018, 11, 12)),
    st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 10)),
    st.datetimes(datetime(2026, 9, 25), datetime(2026, 11, 3)),
).map(lambda at: at.replace(tzinfo=UTC))


@st.composite
def windows(draw):
    """One window; hours that are empty are made a minute long."""
    (hour, minute), (end, last) = draw(CLOCK), draw(CLOCK)
    if (hour, minute) == (end, last):
        last = (last + 1) % 60
    return Window(
        days=draw(st.lists(st.sampled_from([*DAYS, "mon-fri", "sat-mon"]), min_size=1, max_size=2)),
        hours=f"{hour:02d}:{minute:02d}-{end:02d}:{last:02d}",
        zone=draw(ZONES),
    )


@pytest.mark.slow
@given(st.lists(windows(), min_size=1, max_size=3), MOMENTS, st.data())
def test_the_next_opening_is_open_and_nothing_before_it(some, at, data):
    opens = next_opening(some, at)
    assert opens is not None
    assert opens >= at
    assert is_open(some, opens)
    if opens > at:
        waits = opens - at
        probes = data.draw(st.lists(st.floats(0, 1), min_size=20, max_size=20))
        for probe in [at, opens - timedelta(microseconds=1), *(at + waits * p for p in probes)]:
            assert probe >= opens or not is_open(some, probe)


@pytest.mark.slow
@given(windows(), MOMENTS)
def test_minute_by_minute_the_same(window, at):
    """The opening that is computed is the one that waiting would find."""
    start = at.replace(second=0, microsecond=0)
    opens = next_opening([window], start)
    waiting = (start + timedelta(minutes=n) for n in range(1440))
    assert next((one for one in waiting if is_open([window], one)), opens) == opens
