"""Plan a run: find, read and check feature files, and assign them to this shard."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from . import queue as feature_queue
from . import sources
from .errors import Stop, WrongInput, one_line, relative
from .quarantine import Quarantine
from .settings import Settings

__all__ = ["Plan", "Planned", "make", "nothing"]


@dataclass
class Planned:
    """One feature file."""

    file: str
    feature: Any
    chosen: list[Any]
    """The scenarios selected by tags, names and lines."""


@dataclass
class Plan:
    """The feature files of a run."""

    mine: list[Planned] = field(default_factory=list)
    """This shard's feature files, in the order in which processes claim them."""
    features: int = 0
    """Number of feature files with a selected scenario, in all shards."""
    scenarios: int = 0
    """Number of selected scenarios, in all shards."""
    notices: list[str] = field(default_factory=list)


def make(config: Any, settings: Settings, quarantine: Quarantine) -> Plan:
    """Find and read all feature files that a run's arguments name.

    Raises:
        WrongInput: A file is missing, unreadable or not a feature.
        Stop: No scenario is selected.
    """
    plan = Plan()
    found = _read(config, plan)
    for planned in found:
        sure, perhaps = sources.forgotten_colons(planned.feature)
        if sure:
            raise sure[0]
        plan.notices += [one.text for one in perhaps]
    for planned in found:
        plan.scenarios += len(planned.chosen)
        plan.features += bool(planned.chosen)
        for scenario in planned.chosen:
            plan.notices += _notices(scenario, quarantine)
    if not plan.scenarios and not config.dry_run:
        raise Stop(nothing(config, found), "nothing")
    plan.mine = _dealt(found, settings)
    return plan


def _read(config: Any, plan: Plan) -> list[Planned]:
    from behave import runner_util  # behave ships no types

    groups: dict[str, list[Any]] = {}
    for location in _locations(config):
        groups.setdefault(_full(location.filename), []).append(location)
    found = []
    for filename, locations in groups.items():
        features = _parsed(runner_util.parse_features, filename, locations, config.lang)
        if not features:
            plan.notices.append(f"{relative(filename)}:1: the file holds no feature")
        for feature in features:
            chosen = [one for one in feature.walk_scenarios() if one.should_run(config)]
            found.append(Planned(relative(str(feature.filename)), feature, chosen))
    return found


def _parsed(parse: Any, filename: str, locations: list[Any], language: Any) -> list[Any]:
    try:
        return list(parse(locations, language=language))
    except Stop:
        raise
    except Exception as error:  # noqa: BLE001  versions of behave raise different errors
        shown = relative(filename)
        raise WrongInput(f"{shown} cannot be read: {one_line(error)}", "syntax", shown) from None


def _full(filename: str) -> str:
    return os.path.abspath(filename)  # noqa: PTH100  removes "..", does not resolve links


def _locations(config: Any) -> list[Any]:
    from behave import runner_util

    try:
        found = runner_util.collect_feature_locations(config.paths)
    except FileNotFoundError as error:
        text = f"there is no {error}, which the arguments name as a feature; check the path"
        raise WrongInput(text, "path") from None
    except ValueError as error:
        text = f"{error} is neither a folder nor a file that ends with .feature"
        raise WrongInput(text, "path") from None
    return [one for one in found if not config.exclude(one)]


def _notices(scenario: Any, quarantine: Quarantine) -> list[str]:
    file, line = relative(str(scenario.filename)), scenario.line
    _, notice = quarantine.judge(scenario.effective_tags, file, line)
    notices = [notice] if notice else []
    if not list(scenario.all_steps):
        notices.append(
            f'{file}:{line}: the scenario "{scenario.name}" has no steps; it tests nothing'
        )
    return notices


def nothing(config: Any, found: list[Planned]) -> str:
    """Return the sentence for a run without a selected scenario."""
    places = " ".join(relative(str(one)) for one in config.paths)
    count = sum(len(one.feature.walk_scenarios()) for one in found)
    if not count:
        return f"nothing ran: there is no scenario in {places} ({len(found)} feature files)"
    why = []
    if str(getattr(config, "slipway_tags", "")):
        why.append(f'the tags "{config.slipway_tags}"')
    if config.name:
        why.append(f"the name {' or '.join(repr(one) for one in config.name)}")
    chosen = " and ".join(why) or "the lines given"
    tags: set[str] = {
        str(tag)
        for one in found
        for it in one.feature.walk_scenarios()
        for tag in it.effective_tags
    }
    there = f"; tags there are: {' '.join(f'@{tag}' for tag in sorted(tags)[:20])}" if tags else ""
    return f"nothing ran: of {count} scenarios in {places} {chosen} choose none{there}"


def _dealt(found: list[Planned], settings: Settings) -> list[Planned]:
    """Return this shard's feature files in the order of their claims.

    A single process keeps behave's own order; several start with the slowest files.
    """
    by_file = {one.file: one for one in found}
    sizes = {one.file: len(one.chosen) for one in found if one.chosen}
    weights = feature_queue.estimates(sizes, settings.history)
    shard, shards = settings.shard
    timed = any(file in settings.history for file in sizes)
    mine = set(feature_queue.deal(weights, shard, shards, by_seconds=timed))
    order = [one.file for one in found if one.file in mine]
    if settings.jobs > 1:
        order = [file for file in feature_queue.longest_first(weights) if file in mine]
    # Files without a selected scenario: the user's own formatters report them as skipped.
    rest = [one.file for one in found if not one.chosen and shard == 1]
    return [by_file[file] for file in [*order, *rest]]
