"""Whatever is in a pipeline.toml: it is a site, or its errors are told. Nothing else."""

import random
import re
from pathlib import Path

import pytest

from slipway.config import ConfigProblems, parse
from slipway.model.errors import WrongInput

EXAMPLE = Path(__file__).parents[2] / "pipeline.toml"
TOLD = re.compile(r"pipeline\.toml:(\d+): \S.*")
PIECES = [
    *('"', "'", '"""', "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "#", "\\", "\n", " ", "\t"),
    *("true", "nan", "-1", "0x10", "1e999", "1979-05-27", "07:32:00", '""', "[]", "{}", "[{}]"),
    *("[workers]\n", "[site.title]\n", "uses = 3\n", '"$schema" = 1\n', "x.y.z = 1\n", "\x00"),
    *("é", "\u2028", "\r\n", "\ufeff", "\U0001f600", '"tests"', '["tests"]', "9" * 30),
    *("[[project]]\n", "[[project.almanac.stages]]\n", "needs = [[1]]\n", "[project.a.stages.b]\n"),
]


def spoil(text, chance):
    """Change a text in a few places."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text))
        end = min(len(text), start + chance.choice([0, 1, 2, 8, 30]))
        how = chance.randrange(5)
        lines = text.splitlines(keepends=True)
        if how == 0:
            text = text[:start] + text[end:]
        elif how == 1:
            text = text[:start] + chance.choice(PIECES) + text[start:]
        elif how == 2:
            text = text[:start] + chance.choice(PIECES) + text[end:]
        elif how == 3:
            chance.shuffle(lines)
            text = "".join(lines)
        else:
            at = chance.randrange(len(lines))
            key, equals, _ = lines[at].partition("=")
            lines[at] = f"{key}= {chance.choice(PIECES)}\n" if equals else chance.choice(PIECES)
            text = "".join(lines)
    return text or "\n"


def outcome(text):
    """Read a text: the site, or what is told; anything else is a defect."""
    try:
        parse(text)
    except ConfigProblems as error:
        return str(error).split("\npipeline.toml:")
    return []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_spoilt_file_is_told_with_lines(seed):
    chance = random.Random(seed)
    example = EXAMPLE.read_text("utf-8")
    wrong = 0
    for _ in range(120):
        text = spoil(example, chance)
        told = outcome(text)
        wrong += bool(told)
        for line in told:
            found = TOLD.match(
                line if line.startswith("pipeline.toml:") else f"pipeline.toml:{line}"
            )
            assert found, (line, text)
            assert 1 <= int(found[1]) <= len(text.splitlines()) + 1, (line, text)
    assert wrong > 60


def test_deep_nesting_is_told():
    assert outcome("a = " + "[" * 3000)


def test_a_number_of_five_thousand_digits_is_told():
    try:
        parse("[site]\nport = " + "9" * 5000)
    except WrongInput:
        return
