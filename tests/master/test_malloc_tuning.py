"""What is there when the master has started is not looked at by the collector again."""

import gc
import weakref

import pytest

from slipway.master.malloc_tuning import trim_heap

pytestmark = pytest.mark.slow


class Knot:
    """Something that holds itself."""

    def __init__(self):
        self.itself = self


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


def test_what_is_there_is_left_out():
    kept = Knot()
    trim_heap()
    assert gc.get_freeze_count() > 0
    assert all(one is not kept for one in gc.get_objects())


def test_what_is_waste_by_then_goes_first():
    before = weakref.ref(Knot())
    trim_heap()
    assert before() is None


def test_what_comes_later_is_collected():
    trim_heap()
    later = weakref.ref(Knot())
    gc.collect()
    assert later() is None
