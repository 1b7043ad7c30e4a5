"""Build the graph of a file that has other errors, so that all errors are reported together."""

from __future__ import annotations

from typing import Any

from slipway.model.kinds.environment import Environment
from slipway.model.kinds.stage import STAGES, Stage
from slipway.model.site import Project, Site, SiteSettings, Worker

__all__ = ["outline"]

_UNREAD = Environment.model_construct()


def outline(data: dict[str, Any]) -> Site:
    """Return the readable part of the graph, for checking the graph's rules only.

    Invalid parts are left out: their own errors are reported already.
    """
    workers = {
        name: Worker.model_construct(labels=_words(worker.get("labels")))
        for name, worker in _tables(data.get("workers")).items()
    }
    # Workers that could not be read get every label: their own error is enough.
    asked = tuple(
        label
        for project in _tables(data.get("project")).values()
        for stage in _tables(project.get("stages")).values()
        for label in _words(stage.get("runs-on"))
    )
    return Site.model_construct(
        site=SiteSettings(),
        project={
            name: Project.model_construct(
                branches=_words(project.get("branches")),
                stages={
                    stage: _stage(keys) for stage, keys in _tables(project.get("stages")).items()
                },
                # Their own errors are reported; for the graph it is enough that they exist.
                environments=dict.fromkeys(_tables(project.get("environments")), _UNREAD),
            )
            for name, project in _tables(data.get("project")).items()
        },
        workers=workers or {"unread": Worker.model_construct(labels=asked)},
    )


def _stage(keys: dict[str, Any]) -> Stage:
    kind = STAGES.get(str(keys.get("uses"))) or Stage
    return kind.model_construct(
        uses=keys.get("uses"),
        needs=_words(keys.get("needs")),
        runs_on=_words(keys.get("runs-on")),
        environment=str(keys.get("environment")),
    )


def _tables(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        return {}
    return {name: table for name, table in value.items() if isinstance(table, dict)}


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(word for word in value if isinstance(word, str)))
