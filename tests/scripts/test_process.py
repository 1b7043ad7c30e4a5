"""What a program says comes as it comes, in whole lines, however it says it."""

import sys
import time

import pytest

from slipway.scripts.process import run


def said_by(code):
    """Run a program; return what came, with the seconds after the start."""
    heard, began = [], time.monotonic()
    finished = run(
        [sys.executable, "-c", code],
        log=lambda lines: heard.append((lines, time.monotonic() - began)),
    )
    return heard, finished


@pytest.mark.slow
def test_lines_come_whole_and_together():
    heard, finished = said_by("print('\\n'.join(f'line {n}' for n in range(100_000)))")
    assert "".join(lines for lines, _ in heard) == "".join(f"line {n}\n" for n in range(100_000))
    assert all(lines.endswith("\n") for lines, _ in heard)
    assert len(heard) < 10_000
    assert finished.tail.split("\n") == [f"line {n}" for n in range(99_960, 100_000)]


@pytest.mark.slow
def test_a_line_is_heard_before_the_program_ends():
    heard, _ = said_by(
        "import time; print('early', flush=True); time.sleep(3); print('late', end='')"
    )
    assert [lines for lines, _ in heard] == ["early\n", "late"]
    assert heard[1][1] - heard[0][1] > 1


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        ("é日\n".encode() * 50_000, "é日\n" * 50_000),
        (b"\xff\xfe\n", "\ufffd\ufffd\n"),
        (b"\xe6\x97", "\ufffd"),
        (b"", ""),
    ],
)
def test_whatever_bytes_there_are(data, text, tmp_path):
    file = tmp_path / "said"
    file.write_bytes(data)
    heard, _ = said_by(f"import sys; sys.stdout.buffer.write(open({str(file)!r}, 'rb').read())")
    assert "".join(lines for lines, _ in heard) == text


def test_a_line_without_end_comes_in_pieces():
    heard, finished = said_by("for n in range(100): print('x' * 100_000, end='')")
    assert sum(len(lines) for lines, _ in heard) == 10_000_000
    assert max(len(lines) for lines, _ in heard) <= 200_000
    assert len(finished.tail) <= 41 * 200_000
