"""What a target removes: never what is needed, never the newest, never what is young."""

from hypothesis import given
from hypothesis import strategies as st

from slipway.model.retention import KeepReleases, PublishedRelease, removable

DAY = 86400.0
NOW = 1000 * DAY

versions = st.sampled_from([f"1.{number}.0" for number in range(30)])
releases = st.lists(
    st.builds(
        PublishedRelease,
        version=versions,
        published_at=st.none() | st.floats(0, 1100).map(lambda days: days * DAY),
    ),
    unique_by=lambda one: one.version,
    max_size=30,
)
keeps = st.builds(
    KeepReleases,
    latest=st.integers(1, 12),
    age=st.none() | st.integers(1, 900).map(lambda days: f"{days}d"),
)
protected = st.frozensets(versions, max_size=6)


@given(releases, keeps, protected)
def test_what_is_needed_new_or_young_stays(there, keep, needed):
    gone = removable(there, keep, needed, NOW)
    at = {one.version: one.published_at for one in there}
    assert len(gone) == len(set(gone))
    assert not set(gone) & needed
    newest = sorted(
        (one.published_at, one.version) for one in there if one.published_at is not None
    )
    assert not set(gone) & {version for _, version in newest[-keep.latest :]}
    assert all(at[version] is not None for version in gone)
    if keep.age is not None:
        assert all(at[version] <= NOW - keep.age for version in gone)
    assert [at[version] for version in gone] == sorted(at[version] for version in gone)


@given(releases, keeps, protected)
def test_all_that_is_not_needed_new_or_young_goes(there, keep, needed):
    gone = set(removable(there, keep, needed, NOW))
    dated = [one for one in there if one.published_at is not None]
    for one in dated:
        newer = [
            other
            for other in dated
            if (other.published_at, other.version) > (one.published_at, one.version)
        ]
        is_old = keep.age is None or one.published_at <= NOW - keep.age
        goes = len(newer) >= keep.latest and is_old and one.version not in needed
        assert (one.version in gone) == goes


@given(releases, keeps, protected)
def test_a_second_time_removes_nothing_more(there, keep, needed):
    gone = set(removable(there, keep, needed, NOW))
    left = [one for one in there if one.version not in gone]
    assert removable(left, keep, needed, NOW) == []


@given(releases, keeps, protected, protected)
def test_needing_more_and_keeping_more_removes_no_more(there, keep, needed, more):
    gone = set(removable(there, keep, needed, NOW))
    assert set(removable(there, keep, needed | more, NOW)) <= gone
    longer = keep.model_copy(update={"latest": keep.latest + 1})
    assert set(removable(there, longer, needed, NOW)) <= gone
    assert set(removable(there, keep, needed, NOW - 50 * DAY)) <= gone or keep.age is None


@given(st.randoms(), releases, keeps, protected)
def test_the_order_in_which_a_target_tells_them_says_nothing(random, there, keep, needed):
    mixed = list(there)
    random.shuffle(mixed)
    assert removable(mixed, keep, needed, NOW) == removable(there, keep, needed, NOW)


def test_an_example():
    there = [PublishedRelease(f"1.{n}.0", NOW - (10 - n) * 30 * DAY) for n in range(10)]
    keep = KeepReleases(latest=3, age="90d")
    assert removable(there, keep, {"1.2.0"}, NOW) == [
        "1.0.0",
        "1.1.0",
        *[f"1.{n}.0" for n in range(3, 7)],
    ]
    assert removable(there, KeepReleases(), (), NOW) == []
