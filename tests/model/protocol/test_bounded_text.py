"""Texts of a bounded length: head and tail, budgets, names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.model.protocol.bounded_text import Messages, Output, head_and_tail, short_name
from slipway.model.protocol.event import TestResult

LINES = st.lists(st.text("ab é", max_size=30).map("{}\n".format), max_size=60)


def result(message):
    return TestResult(suite="p", name="a", status="failed", message=message)


def test_a_short_text_stays_as_it_is():
    assert head_and_tail("no", 3000) == "no"


def test_of_a_long_text_head_and_tail_stay_and_what_is_missing_is_told():
    text = "AssertionError: 1 != 2\n" + "x" * 10_000 + "\nthe end"
    short = head_and_tail(text, 900)
    assert short.startswith("AssertionError: 1 != 2\n")
    assert short.endswith("\nthe end")
    assert "[... 9,131 characters are left out; the stage's reports have them ...]" in short
    assert len(short) < 1000
    assert head_and_tail(short, 900) == short


def test_messages_are_whole_until_all_together_are_too_long():
    messages = Messages(each=100, together=1000, brief=30)
    found = [len(messages.bound(result("m" * 1000)).message) for _ in range(30)]
    assert found[0] > 100
    assert found[-1] < found[0]
    assert sum(found) < 1000 + found[0] + 30 * 120
    same = result("short")
    assert messages.bound(same) is same


def test_long_names_that_begin_alike_stay_two():
    one, other = short_name("t" * 5000 + "1"), short_name("t" * 5000 + "2")
    assert one != other
    assert len(one) <= 620
    assert short_name("test_a") == "test_a"


@pytest.mark.slow
@given(LINES, st.integers(1, 200), st.integers(1, 200))
def test_output_that_is_not_too_long_comes_whole_and_other_never_grows(lines, head, tail):
    output = Output(head, tail)
    said = "".join(output.take(line) for line in lines)
    end = output.end()
    text = "".join(lines)
    if len(text) < head:
        assert said + end == text
    assert len(said) + len(end) <= head + tail + 31 + 150
    assert said.replace("[from here on only the end of the output is kept]\n", "") in text
    assert text.endswith(end.rpartition("are left out here]\n")[2])
    assert output.end() == ""


@pytest.mark.parametrize("size", [10, 10_000])
def test_what_is_left_out_of_output_is_told(size):
    output = Output(20, 10)
    assert output.take("a" * 19 + "\n").endswith("is kept]\n")
    assert output.take("b" * size + "\n") == ""
    assert output.take("123456789\n") == ""
    assert output.end() == f"[{size + 1:,} characters are left out here]\n123456789\n"
