"""Answers to questions of a chat: what runs, ended and waits, of the projects it may tell of."""

import pytest

from slipway.ledger.outbox.questions import answer

URL = "https://ci.example.org/"
EVIL = "x\r\nQUIT \u202e\x1b[31m"


@pytest.fixture
def ask(session):
    def asked(question, projects=("almanac",), now=1300.0):
        return answer(session, question, projects, URL, now)

    return asked


def test_nothing_has_run_yet(ask):
    assert ask("status") == ("almanac: nothing has ended yet",)
    assert ask("runs") == (f"nothing has run yet; {URL}#/pipelines",)
    assert ask("last") == (f"nothing has ended yet; {URL}#/pipelines",)
    assert ask("gates") == ("nothing waits for anybody",)


def test_what_runs_and_what_ended(walk, ask):
    made = walk(one=())
    made.advance()
    assert ask("status") == ("almanac: 1 waiting, nothing has ended yet",)
    assert ask("runs") == ("almanac 1.4.0+1 (main) running, begun 5m00s ago",)
    made.end("one", "failed")
    first, second = ask("last almanac")
    assert first.startswith("almanac 1.4.0+1 (main) failed 4m")
    assert first.endswith(f" ago {URL}#/pipelines/almanac/1")
    assert second == "one: failed"
    assert ask("status")[0].startswith("almanac: last 1.4.0+1 (main) failed 4m")


def test_what_waits_for_people(walk, ask):
    made = walk(manual=("two",), one=(), two=("one",))
    made.advance()
    assert ask("gates") == ("nothing waits for anybody",)
    made.end("one")
    (line,) = ask("gates")
    assert line.startswith("almanac 1.4.0+1 (main): two waits for somebody to open it since ")
    assert line.endswith(f"{URL}#/pipelines/almanac/1?stage=two")


def test_only_the_projects_of_the_channel_are_told_of(walk, start, ask):
    walk(one=()).advance()
    start(project="secret")
    for question in ("status", "runs", "last", "gates"):
        assert "secret" not in " ".join(ask(question))
    assert ask("runs secret") == ('there is no project "secret" here.',)
    assert ask("runs almanak")[0].startswith('there is no project "almanak" here.')
    assert "almanac" in ask("runs almanak")[0]
    assert ask("status", ()) == ("there are no projects here",)


@pytest.mark.parametrize("word", ["force", "deploy almanac", "approve 1", "\x00", "x" * 999])
def test_what_does_something_is_no_question(ask, word):
    (line,) = ask(word)
    assert "is no question of mine" in line
    assert URL in line
    assert len(line) <= 500


def test_help_says_what_may_be_asked(ask):
    (line,) = ask("help")
    assert all(word in line for word in ("status", "runs", "last", "gates"))
    assert ask("") == ask("HELP") == (line,)


def test_long_lists_are_cut_and_say_so(walk, ask):
    for _ in range(8):
        made = walk(manual=("two",), one=(), two=("one",))
        made.advance()
        made.end("one")
    lines = ask("gates")
    assert len(lines) == 6
    assert lines[-1] == f"and 3 more: {URL}#/pipelines"
    assert len(ask("runs")) == 5
    projects = [f"p{number}" for number in range(9)]
    assert ask("status", projects)[-1] == f"and 4 more: {URL}#/pipelines"


def test_texts_of_others_are_clean_lines(walk, ask):
    made = walk(one=())
    made.run.branch = EVIL
    made.advance()
    made.end("one", "failed")
    for line in (*ask("last"), *ask("runs"), *ask("status"), *ask(EVIL)):
        assert not set(line) & set("\r\n\u202e\x1b")
