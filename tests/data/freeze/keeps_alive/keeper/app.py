import gc
import sys
import weakref

from keeper._callbacks import call_back, hold, let_go


class Thing:
    pass


def main():
    thing = Thing()
    number, alive = id(thing), weakref.ref(thing)
    hold(thing)
    del thing
    gc.collect()
    # Others that take its place in memory, if it was freed.
    others = [Thing() for _ in range(1000)]
    back = call_back()
    same = alive() is back and id(back) == number and back not in others
    let_go(back)
    del back
    gc.collect()
    freed = alive() is None
    print("the same object, alive until it was let go" if same and freed else f"{same=} {freed=}")
    sys.exit(not (same and freed))
