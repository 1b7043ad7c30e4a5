"""Several targets are brought a release side by side, each for itself; what may pass is tried."""

import hashlib
import threading
import tracemalloc
from dataclasses import replace

import pytest

from slipway.model.errors import MissingTool, StageFailed, Stopped, WrongInput
from slipway.model.protocol.event import Notice, Progress
from slipway.model.states import FileState
from slipway.scripts.releases.outgoing import Pointers
from slipway.scripts.releases.target import ReleaseTarget, Seen, TryAgain
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.side_by_side import deliver
from tests.support.release_targets import Told, Unhurried, content, make_release

FILES = {"almanac.zip": bytes(range(256)) * 20_000, "notes.txt": b"notes"}


class Memory(ReleaseTarget):
    """A target that keeps everything in memory; `fail` is called before each step."""

    def __init__(self, where: str, fail=lambda _step, _count: None):
        self.where, self._fail = where, fail
        self.aside, self.public, self.closed = {}, {}, 0
        self.steps: list[str] = []

    def _step(self, name: str) -> None:
        self.steps.append(name)
        self._fail(name, self.steps.count(name))

    def check(self, version, size):
        self._step("check")

    def look(self, release):
        self._step("look")
        seen = {name: Seen(FileState.STAGED) for name in self.aside}
        return seen | {name: Seen(FileState.PUBLIC) for name in self.public}

    def stage(self, file, stream):
        self._step("stage")
        blocks = []
        while block := stream.read(1 << 16):
            blocks.append(block)
            self._step("block")
        self.aside[file.name] = b"".join(blocks)

    def read_back(self, file):
        self._step("read")
        yield self.public.get(file.name) or self.aside[file.name]

    def commit(self, release):
        self._step("commit")
        self.public |= self.aside
        return f"https://{self.where}"

    def point(self, pointers):
        self._step("point")

    def close(self):
        self.closed += 1


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path / "release", "1.0.0", FILES)


def bring(release, *targets, clock=None, report=None, **keys):
    report = report or Told()
    clock = clock or Unhurried()
    ways = [Destination(one.where, one, **keys) for one in targets]
    return deliver(ways, release, Pointers("1.0.0", {}), report, clock)


def failing(at: str, *errors, count=1):
    """Fail at a step with these errors in turn, beginning with that count."""

    def fail(step, number):
        if step == at and count <= number < count + len(errors):
            raise errors[number - count]

    return fail


def test_all_get_it_and_are_closed(release):
    targets = [Memory(f"t{number}") for number in range(4)]
    assert bring(release, *targets) == {f"t{n}": f"https://t{n}" for n in range(4)}
    assert all(one.public == content(release) and one.closed == 1 for one in targets)


def test_one_that_fails_does_not_stop_or_undo_the_others(release):
    told = Told()
    bad = Memory("bad", failing("stage", StageFailed("bad: no room left"), count=3))
    worse = Memory("worse", failing("look", ValueError("a defect\nof a library")))
    good = Memory("good")
    with pytest.raises(StageFailed) as raised:
        bring(release, bad, good, worse, report=told)
    assert str(raised.value) == (
        "almanac 1.0.0 is not at bad (bad): bad: no room left; it has 2 of 4 files, which nobody "
        "sees yet | worse (worse): worse: ValueError: a defect; it has nothing of it | it is whole "
        "at good"
    )
    assert good.public == content(release)
    assert {name: one.state for name, one in told.ended().items()} == {
        "bad": "failed",
        "good": "public",
        "worse": "failed",
    }
    assert told.ended()["bad"].text == "bad: no room left"
    assert [one.closed for one in (bad, good, worse)] == [1, 1, 1]


def test_they_are_at_work_at_the_same_time(release):
    together = threading.Barrier(3, timeout=30)

    def meet(step, count):
        if step == "stage" and count == 1:
            together.wait()

    bring(release, *(Memory(f"t{number}", meet) for number in range(3)))


def test_one_that_refuses_when_it_is_checked_is_told_before_anything_is_written(release):
    wrong = Memory("wrong", failing("check", WrongInput("the password is wrong")))
    good = Memory("good")
    told = Told()
    with pytest.raises(WrongInput, match=r"not at wrong \(wrong\): the password is wrong; "):
        bring(release, wrong, good, report=told)
    assert good.steps == ["check"]
    assert list(told.ended()) == ["wrong"]


def test_the_exit_code_is_that_of_what_is_to_be_mended(release):
    missing = [Memory(f"t{n}", failing("check", MissingTool("no sftp"))) for n in range(2)]
    with pytest.raises(MissingTool):
        bring(release, *missing)
    first = Memory("t", failing("check", WrongInput("no")))
    second = Memory("u", failing("check", MissingTool("no")))
    with pytest.raises(StageFailed):
        bring(release, first, second)


def test_one_that_cannot_be_reached_is_waited_for_while_the_others_go_on(release):
    late = Memory("late", failing("check", *(TryAgain("no route") for _ in range(4))))
    good, clock, told = Memory("good"), Unhurried(), Told()
    bring(release, late, good, clock=clock, report=told)
    assert late.public == good.public == content(release)
    assert clock.waits == [10, 20, 40]
    texts = [one.text for one in told.events if isinstance(one, Notice)]
    assert texts[0] == "late: no route; tried again in 10s (1 of 10)"


@pytest.mark.parametrize("step", ["look", "stage", "block", "read", "commit", "point"])
def test_what_passes_by_itself_is_tried_again_from_there(release, step):
    target, clock = Memory("there", failing(step, TryAgain("503"), TryAgain("503", 7))), Unhurried()
    bring(release, target, clock=clock)
    assert target.public == content(release)
    assert clock.waits == [10, 7]


def test_it_is_tried_ten_times_for_more_than_25_minutes(release):
    target, clock = Memory("there", failing("stage", *[TryAgain("429")] * 99)), Unhurried()
    with pytest.raises(StageFailed, match="429; it was tried again 10 times; it has nothing of it"):
        bring(release, target, clock=clock)
    assert clock.waits == [10, 20, 40, 80, 160, 300, 300, 300, 300, 300]
    assert target.steps.count("stage") == 11


def test_a_server_that_asks_to_wait_an_hour_is_obeyed(release):
    target, clock = Memory("there", failing("commit", TryAgain("429", 3600))), Unhurried()
    bring(release, target, clock=clock)
    assert clock.waits == [3600]


def test_any_other_failure_is_not_tried_again(release):
    target, clock = Memory("there", failing("stage", StageFailed("403"))), Unhurried()
    with pytest.raises(StageFailed, match="403"):
        bring(release, target, clock=clock)
    assert clock.waits == []


def test_a_target_that_lies_about_what_it_stored(release):
    class Liar(Memory):
        def read_back(self, file):
            yield b"x" * file.size

    with pytest.raises(StageFailed, match=r"liar does not hold what was written: almanac\.zip has"):
        bring(release, Liar("liar"))


def test_a_target_that_sends_without_an_end_is_not_read_for_ever(release):
    class Endless(Memory):
        def read_back(self, file):
            while True:
                yield b"x" * 100_000

    with pytest.raises(StageFailed, match="does not hold what was written"):
        bring(release, Endless("endless"))


def test_a_target_that_alters_when_it_commits(release):
    class Late(Memory):
        def commit(self, release):
            self.public = {name: data[::-1] for name, data in self.aside.items()}
            return "there"

    with pytest.raises(StageFailed, match="readers get other bytes than were written: late gives"):
        bring(release, Late("late"))


def test_another_release_that_is_public_is_refused_before_anything_is_sent(release):
    target = Memory("there")
    target.public = {"notes.txt": b"other notes"}
    with pytest.raises(
        StageFailed, match=r'another "notes\.txt" of 1\.0\.0; releases never change'
    ):
        bring(release, target)
    assert "stage" not in target.steps
    assert target.public == {"notes.txt": b"other notes"}


def test_what_is_verified_aside_is_not_sent_again(release):
    target = Memory("there", failing("commit", StageFailed("no")))
    with pytest.raises(StageFailed):
        bring(release, target)
    told = Told()
    bring(release, target, report=told)
    assert target.steps.count("stage") == len(release.files)
    assert {tuple(way) for way in told.states("there").values()} == {
        (FileState.VERIFIED, FileState.PUBLIC)
    }


def test_a_bandwidth_is_kept_to(release):
    clock = Unhurried()
    bring(release, Memory("there"), clock=clock, bandwidth=1_000_000)
    # Sent, read back when staged, and read back when public.
    assert clock.time == pytest.approx(3 * release.size / 1_000_000, rel=0.1)


def test_the_progress_is_of_all_targets_and_counts_nothing_twice(release):
    told, clock = Told(), Unhurried()
    broken = Memory("a", failing("block", TryAgain("cut"), count=40))
    bring(release, broken, Memory("b"), clock=clock, report=told, bandwidth=1_000_000)
    seen = [one for one in told.events if isinstance(one, Progress)]
    assert len(seen) > 5
    total = round(2 * release.size / 1e6, 1)
    assert {one.total for one in seen} == {total}
    assert max(one.done for one in seen) <= total
    assert "MB are at 2 targets; now " in seen[0].text


def test_a_stage_that_is_stopped_ends_at_once(release):
    begun = threading.Event()

    def wait(step, _count):
        if step == "stage":
            begun.set()
            raise TryAgain("busy")

    clock, failed = Clock(), []

    def work():
        try:
            bring(release, Memory("there", wait), clock=clock)
        except StageFailed as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    clock.stop()
    thread.join(30)
    assert not thread.is_alive()
    with pytest.raises(Stopped, match="the stage was stopped"):
        clock.go_on()


def test_memory_stays_flat(tmp_path):
    big = tmp_path / "big"
    with big.open("wb") as stream:
        stream.truncate(300_000_000)
    with big.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    made = make_release(tmp_path / "release", "2.0.0", {"a": b"a"})
    file = replace(made.files[0], path=big, size=300_000_000, sha256=digest)
    made = replace(made, files=(file, *made.files[1:]))

    class Sink(Memory):
        def stage(self, file, stream):
            while stream.read(1 << 20):
                pass

        def read_back(self, file):
            with file.path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    yield block

    tracemalloc.start()
    bring(made, Sink("sink"))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 16_000_000
