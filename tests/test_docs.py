"""The documentation says what is there: links, commands, targets and sites in it are tried."""

import argparse
import re
from pathlib import Path

import pytest

from slipway.cli.main import parser
from slipway.config import parse
from slipway.model.notices.events import EVENTS, Event
from slipway.model.records.audit import AuditEntry, Verdict
from slipway.model.records.release import ReleaseRecord
from slipway.model.records.run import ListedRun
from slipway.model.records.stage import ListedStage
from slipway.model.records.token import TokenRecord
from slipway.sessions.settings import _NAMES as SETTINGS

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
LONGEST_README = 200
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^```[\s\S]*?^```$|^ {4}.*$|`[^`\n]+`", re.MULTILINE)
_MAKE = re.compile(r"(?:^|[`&;]|\s{4})\s*make ([a-z][a-z-]*)", re.MULTILINE)
_SLIPWAY = re.compile(r"(?:^|[`\s/;&]|bin/)slipway(?:\.exe)? ([a-z][a-z-]+)", re.MULTILINE)


def named(page):
    return str(page.relative_to(ROOT))


def text(page):
    return page.read_text(encoding="utf-8")


def code(page):
    """All code of a page: fences, indented lines, and what stands between backticks."""
    return "\n".join(match[0] for match in _CODE.finditer(text(page)))


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", re.sub(_FENCE, "", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def subcommands():
    actions = parser()._actions
    return set(next(a.choices for a in actions if isinstance(a, argparse._SubParsersAction)))


def sites():
    """Each block of TOML that holds a whole site, with the page it is on."""
    for page in PAGES:
        for number, (language, block) in enumerate(_FENCE.findall(text(page)), 1):
            if language == "toml" and "[project." in block and "[workers." in block:
                yield pytest.param(block, id=f"{named(page)}:{number}")


def test_readme_is_short():
    assert len(text(ROOT / "README.md").splitlines()) <= LONGEST_README


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    for link in _LINK.findall(re.sub(_FENCE, "", text(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), f"{named(page)}: {link} leads out of the repository"
        assert target.exists(), f"{named(page)}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{named(page)}: {link} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    assert set(_MAKE.findall(code(page))) <= targets


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_exist(page):
    assert set(_SLIPWAY.findall(code(page))) <= subcommands()


def test_every_command_has_its_section_in_the_reference():
    told = text(ROOT / "docs" / "reference" / "command-line.md")
    assert {name for name in subcommands() if f"## `slipway {name}`" not in told} == set()
    assert {name for name in subcommands() if f"`slipway {name}`" not in text(PAGES[0])} == set()


def test_the_reference_names_every_option():
    told = text(ROOT / "docs" / "reference" / "command-line.md")
    actions = parser()._actions
    found = next(a.choices for a in actions if isinstance(a, argparse._SubParsersAction))
    for name, command in found.items():
        section = told.split(f"## `slipway {name}`")[1].split("\n## ")[0]
        for action in command._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help") or f"`{option}" in section, f"{name} {option}"


#: Not variables: how a docstring writes any of them, and a table of a model's keys.
NO_VARIABLE = {"SLIPWAY_NAME"}
ROOMS = ("pipeline", "scripts", "sessions", "steps", "workers", "www")


def variables_of_the_code():
    """All variables of ours that the code names; one that ends with _ has a name behind it."""
    files = (file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    found = {
        name + "NAME" if name.endswith("_") else name
        for file in files
        if "node_modules" not in file.parts
        for name in re.findall(r"\bSLIPWAY_[A-Z0-9_]+", text(file))
    }
    settings = {f"SLIPWAY_{name.upper()}" for name in SETTINGS}
    return (found | settings) - NO_VARIABLE


@pytest.mark.slow
def test_every_environment_variable_is_told_and_no_other():
    page = text(ROOT / "docs" / "reference" / "environment-variables.md")
    told = set(re.findall(r"\bSLIPWAY_[A-Z0-9_]+", page))
    assert told == variables_of_the_code()


@pytest.mark.slow
def test_no_page_tells_a_variable_that_is_not_there():
    known = variables_of_the_code()
    prefixes = tuple(name.removesuffix("NAME") for name in known if name.endswith("_NAME"))
    # Names in examples of `{ env = "..." }` are the reader's own.
    own = {"SLIPWAY_BUILD2_PASSWORD", "SLIPWAY_EXAMPLES", "SLIPWAY_KILLS"}
    for page in PAGES:
        for name in set(re.findall(r"\bSLIPWAY_[A-Z0-9_]+", text(page))) - known - own:
            assert name.startswith(prefixes), f"{named(page)}: {name}"


@pytest.mark.parametrize(
    "record", [ListedRun, ListedStage, ReleaseRecord, AuditEntry, Verdict, TokenRecord]
)
def test_the_reference_names_every_key_of_the_json(record):
    section = text(ROOT / "docs" / "reference" / "command-line.md").split("## JSON")[1]
    table = section.split("\n## ")[0]
    keys = record.model_json_schema(mode="serialization")["properties"]
    assert {key for key in keys if f"`{key}`" not in table} == set()


def test_the_page_of_notices_tells_of_every_event():
    page = (ROOT / "docs" / "how-to" / "notices.md").read_text("utf-8")
    table = page.partition("<!-- events -->")[2].partition("\n\n")[0]
    told = set(re.findall(r"`([a-z-]+)`", table.replace("`events`", "")))
    assert told == {*map(str, EVENTS)} - {Event.DIGEST, Event.TRIAL}


def test_there_are_sites_to_try():
    assert list(sites())


@pytest.mark.parametrize("block", list(sites()))
def test_whole_sites_are_good(block):
    assert parse(block, "the page").project


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_machine_of_ours_is_named(page):
    assert not re.search(r"/(work|root|tmp)/", text(page))
