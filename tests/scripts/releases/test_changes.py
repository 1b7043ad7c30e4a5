"""Release notes from commits: the same groups each time, whatever committers write."""

import time

import pytest

from slipway.model.commit import Change
from slipway.model.parameter import PARAMETERS
from slipway.scripts.releases.changes import MOST_CHARACTERS, notes_text
from slipway.scripts.releases.site.notes import notes_html

GATE = PARAMETERS["text"].model_validate({"name": "notes", "type": "text", "max-length": 30_000})


def changes(*subjects, author="Ann"):
    return [Change(f"{number:010x}" + "0" * 30, one, author) for number, one in enumerate(subjects)]


def groups(text):
    """Return the lines of each group, without hashes."""
    found = {}
    for line in text.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif line.startswith("- "):
            found.setdefault(title, []).append(line[2:].rpartition(" (")[0] or line[2:])
    return found


def test_conventional_commits_are_grouped_by_type():
    text = notes_text(
        changes(
            "feat(moon): say when it is full",
            "fix: round the distance",
            "perf: read the table once",
            "feat(api)!: the port is 8020",
            "chore: tidy",
            "docs: a page",
            "ci: run it",
            "refactor!: drop the old names",
        )
    )
    assert groups(text) == {
        "Breaking changes": ["**api:** The port is 8020", "Drop the old names"],
        "Added": ["**moon:** Say when it is full"],
        "Changed": ["Read the table once"],
        "Fixed": ["Round the distance"],
    }
    assert text.startswith("## Breaking changes\n\n- **api:** The port is 8020 (0000000003)\n")
    assert text.endswith("\n\nBy Ann.\n")


@pytest.mark.parametrize(
    ("subject", "group"),
    [
        ("Add a note", "Added"),
        ("Adds a note", "Added"),
        ("Added a note", "Added"),
        ("Introduces moons", "Added"),
        ("Fix the tides", "Fixed"),
        ("fixes #12", "Fixed"),
        ("Fixed: tides", "Fixed"),
        ("Resolve a conflict of names", "Fixed"),
        ("Resolved a crash", "Fixed"),
        ("Remove the old page", "Removed"),
        ("Dropped Python 3.9", "Removed"),
        ("Deprecate the port", "Deprecated"),
        ("Say when the moon is full", "Changed"),
        ("Moon: a picture of it", "Changed"),
        ("Addition is faster", "Changed"),
        ("Fix CVE-2026-1234", "Security"),
        ("unknown: what this is", "Changed"),
        ("Merge branch 'main' into x", None),
        ("fixup! Add a note", None),
        ("Bump version to 1.4", None),
        ("Release 1.4.0", None),
        ("1.4.0", None),
        ("", None),
    ],
)
def test_other_subjects_by_their_first_word(subject, group):
    found = groups(notes_text(changes(subject)))
    assert list(found) == ([group] if group else [])


def test_a_breaking_change_is_named_in_the_message():
    made = [Change("a" * 40, "chore: another format", "Ann", breaking=True)]
    assert groups(notes_text(made)) == {"Breaking changes": ["Another format"]}


def test_what_was_reverted_is_left_out_with_its_revert():
    text = notes_text(
        changes(
            'Revert "Add a moon"', "Fix tides", "Add a moon", 'Revert "Add a sun"', "Add a moon"
        )
    )
    assert groups(text) == {
        "Changed": ['Revert "Add a sun"'],
        "Fixed": ["Fix tides"],
        "Added": ["Add a moon"],
    }


def test_the_same_subject_twice_is_two_commits():
    assert len(groups(notes_text(changes("Fix it", "Fix it")))["Fixed"]) == 2


def test_nothing_to_tell():
    assert notes_text([]) == notes_text(changes("chore: tidy", "ci: run")) == ""


def test_people_are_named_by_how_much_they_did():
    made = [*changes("Add a"), *changes("Add b", "Add c", author="Bob [x](y)")]
    assert notes_text(made).endswith("\n\nBy Bob \\[x\\](y), Ann.\n")
    many = [change for n in range(40) for change in changes(f"Add {n}", author=f"P{n}")]
    assert notes_text(many).endswith(" and 10 more.\n")


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "[click](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "# A heading",
        "- a list",
        "1. a list",
        "> a quote",
        "``` code",
        "| a | table |",
        "a \\[b](https://evil.example) ",
        "a\x00b\x1b[31m\u202egnp.exe\u2066\u2028c\rd",
        "e" + "\u0301" * 500,
        "\u3164\u115f\uffa0",
        "x" * 100_000,
        "feat(" + "x" * 49 + "): " + "[" * 300,
    ],
    ids=ascii,
)
def test_nothing_acts_that_committers_wrote(attack):
    text = notes_text([*changes(attack, author=attack), *changes("Add a note")][:2])[:30_000]
    if len(text) <= MOST_CHARACTERS + 500:
        assert GATE.accept(text, None)
    html = notes_html(text)
    for tag in ("<script", "<a ", "<img", "<h2", "<h4", "<blockquote", "<pre", "<ol", "<table"):
        assert tag not in html, html
    assert html.count("<ul>") <= 2


def test_ten_thousand_commits_are_bounded_and_quick():
    made = changes(*(f"Add the number {n} of a long list of additions" for n in range(10_000)))
    began = time.process_time()
    text = notes_text(made)
    assert time.process_time() - began < 20
    assert len(text) < MOST_CHARACTERS + 500
    assert f"- and {10_000 - text.count('Add the number')} more" in text
    assert GATE.accept(text, None)
