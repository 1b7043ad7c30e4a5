"""Build the provenance of an artefact: an in-toto statement with the predicate of SLSA, version 1.

It is a pure function of what the ledger says: no worker has a hand in it.
https://slsa.dev/spec/v1.0/provenance and https://github.com/in-toto/attestation/tree/main/spec/v1
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from slipway.model.kinds.stage import Stage
from slipway.scripts.releases.manifest import Artefact
from slipway.scripts.releases.provenance.facts import BuildFacts, Dependency, StageFacts

__all__ = [
    "BUILD_TYPE",
    "ENVELOPE",
    "LEVELS",
    "PREDICATE",
    "STATEMENT",
    "builder_id",
    "provenance_of",
    "settings_of",
    "source_uri",
]

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
#: The type of what an envelope with a statement holds.
ENVELOPE = "application/vnd.in-toto+json"
#: How to read the parameters: docs/reference/release-files.md.
BUILD_TYPE = "urn:slipway:pipeline:v1"
#: The level of a build, and where each of its stages ran.
LEVELS = {2: "workers persist", 3: "each worker is made for one build"}


def provenance_of(artefact: Artefact, facts: BuildFacts) -> str:
    """Return the statement of where an artefact comes from, as JSON.

    Equal facts give equal text.
    """
    stages = _before(artefact.stage, facts)
    level = 3 if stages and all(one.fresh for one in stages) else 2
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": artefact.name, "digest": {"sha256": artefact.sha256}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": _definition(artefact, facts, stages),
            "runDetails": {
                "builder": {
                    "id": builder_id(facts.site, level),
                    "version": {"slipway": facts.slipway},
                },
                "metadata": {
                    "invocationId": facts.run_url,
                    "startedOn": _moment(facts.started_at),
                    "finishedOn": _moment(facts.finished_at),
                },
                "byproducts": _byproducts(facts),
            },
        },
    }
    return json.dumps(statement, indent=1, sort_keys=True, ensure_ascii=False)


def builder_id(site: str, level: int) -> str:
    """Return the name of a site as a builder of a level: SLSA wants one for each level."""
    return f"{site}#slsa-build-level-{level}"


def source_uri(repository: str, branch: str = "") -> str:
    """Return a repository as a URI, in the form in which provenance names it.

    Args:
        repository: A git URL, host:path as for ssh, or a path.
        branch: The branch. Empty: none is named.
    """
    parts = urlsplit(repository)
    if parts.scheme and parts.netloc:
        host = parts.netloc.rpartition("@")[2]
        # For ssh it is the account, which belongs to the address; a password never does.
        user = parts.netloc.rpartition("@")[0].partition(":")[0] if parts.scheme == "ssh" else ""
        host = f"{user}@{host}" if user else host
        named = urlunsplit((parts.scheme, host, parts.path, "", ""))
    elif parts.scheme == "file":
        named = f"file://{quote(parts.path)}"
    elif ":" in repository.partition("/")[0]:
        host, _, path = repository.partition(":")
        named = f"ssh://{host}/{path.lstrip('/')}"
    else:
        named = f"file://{quote(repository if repository.startswith('/') else f'/{repository}')}"
    return f"git+{named}@refs/heads/{branch}" if branch else f"git+{named}"


def settings_of(stage: Stage) -> dict[str, Any]:
    """Return all settings of a stage as in pipeline.toml; of its secrets only the names."""
    found = stage.model_dump(mode="json", by_alias=True, exclude={"secrets"})
    return found | ({"secrets": sorted(stage.secrets)} if stage.secrets else {})


def _before(stage: str, facts: BuildFacts) -> list[StageFacts]:
    """Return the stage that left an artefact, and all before it, in the order of the run."""
    known = {one.name: one for one in facts.stages}
    reached: set[str] = set()
    waiting = [stage]
    while waiting:
        name = waiting.pop()
        if name in known and name not in reached:
            reached.add(name)
            waiting += known[name].needs
    return [one for one in facts.stages if one.name in reached]


def _definition(
    artefact: Artefact, facts: BuildFacts, stages: list[StageFacts]
) -> dict[str, object]:
    source = {
        "uri": source_uri(facts.repository, facts.branch),
        "digest": {"gitCommit": facts.revision},
    }
    used = {one.sha256: one for stage in stages for one in stage.dependencies}
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "project": facts.project,
            "source": source_uri(facts.repository),
            "branch": facts.branch,
            "stage": artefact.stage,
            "stages": {one.name: one.settings for one in stages},
            "parameters": {one.name: one.parameters for one in stages if one.parameters},
        },
        "internalParameters": {
            "run": facts.run,
            "version": facts.version,
            "workers": {one.name: one.worker for one in stages},
            "tools": {one.name: one.tools for one in stages if one.tools},
        },
        "resolvedDependencies": [source, *(_resource(one) for _, one in sorted(used.items()))],
    }


def _resource(one: Dependency) -> Mapping[str, object]:
    named = {"name": one.name, "uri": one.uri, "mediaType": one.media_type}
    given = {key: value for key, value in named.items() if value}
    return {**given, "digest": {"sha256": one.sha256}}


def _byproducts(facts: BuildFacts) -> list[dict[str, object]]:
    if not facts.audit_head:
        return []
    return [{"name": "audit-head", "digest": {"sha256": facts.audit_head}}]


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
