"""Check the provenance of a released file, against its manifest and against a policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.git_names import matches
from slipway.scripts.releases.manifest import PROVENANCE, Artefact, Manifest
from slipway.scripts.releases.provenance.statement import (
    ENVELOPE,
    LEVELS,
    builder_id,
    source_uri,
)
from slipway.scripts.releases.signing.envelopes import open_envelope
from slipway.scripts.releases.signing.public_keys import PublicKey
from slipway.scripts.releases.strict_json import explain, parse, read_small
from slipway.scripts.releases.verification.policy import Policy
from slipway.scripts.terminal_text import plain

__all__ = ["Origin", "origin_of", "policy_problems"]


class _Lenient(BaseModel):
    # The format's own rule: what is not known is ignored.
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class _Resource(_Lenient):
    name: str = ""
    uri: str = ""
    digest: dict[str, str] = Field(default_factory=dict)


class _External(BaseModel):
    # SLSA: verifiers should reject external parameters that they do not know.
    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str
    source: str
    branch: str
    stage: str
    stages: dict[str, dict[str, Any]]
    parameters: dict[str, dict[str, Any]]


class _Internal(_Lenient):
    run: int
    version: str


class _Definition(_Lenient):
    build_type: Literal["urn:slipway:pipeline:v1"]
    external_parameters: _External
    internal_parameters: _Internal
    resolved_dependencies: tuple[_Resource, ...]


class _Builder(_Lenient):
    id: str


class _Details(_Lenient):
    builder: _Builder


class _Predicate(_Lenient):
    build_definition: _Definition
    run_details: _Details


class _Statement(_Lenient):
    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[_Resource, ...]
    predicate_type: Literal["https://slsa.dev/provenance/v1"]
    predicate: _Predicate


@dataclass(frozen=True)
class Origin:
    """Where an artefact comes from, as its provenance says."""

    site: str
    level: int
    source: str
    branch: str
    revision: str
    parameters: dict[str, Any]
    """The external parameters."""

    @property
    def text(self) -> str:
        """The origin for people."""
        return (
            f"built by {plain(self.site)} from {plain(self.source)}, branch {plain(self.branch)}, "
            f"{self.revision[:12]}, SLSA build level {self.level}"
        )


def origin_of(folder: Path, artefact: Artefact, manifest: Manifest, key: PublicKey) -> Origin:
    """Return where an artefact comes from.

    Args:
        folder: The release's folder.
        artefact: The artefact.
        manifest: The release's manifest.
        key: The key that signed the manifest.

    Raises:
        WrongInput: There is no provenance, or what is there is none.
        StageFailed: It is signed by somebody else, or is that of something else.
    """
    name = f"{artefact.name}{PROVENANCE}"
    lines = read_small(folder, name).rstrip(b"\n").split(b"\n")
    if len(lines) != 1:
        msg = f"{name}: has {len(lines)} lines; Slipway's have one"
        raise WrongInput(msg)
    opened = open_envelope(parse(lines[0], name), ENVELOPE, (key,), name)
    statement = explain(_Statement, parse(opened.payload, name), name)
    if problem := next(_contradictions(statement, artefact, manifest), ""):
        msg = f"{name}: {problem}"
        raise StageFailed(msg)
    definition = statement.predicate.build_definition
    builder = statement.predicate.run_details.builder.id
    external = definition.external_parameters
    site, level = _builder(builder, name)
    return Origin(
        site=site,
        level=level,
        source=external.source,
        branch=external.branch,
        revision=manifest.revision,
        parameters=external.model_dump(),
    )


def _contradictions(statement: _Statement, artefact: Artefact, manifest: Manifest) -> Iterator[str]:
    """Yield where provenance is not that of an artefact of this release."""
    if len(statement.subject) != 1:
        yield f"is of {len(statement.subject)} files instead of one"
        return
    subject, definition = statement.subject[0], statement.predicate.build_definition
    external, internal = definition.external_parameters, definition.internal_parameters
    source = (
        definition.resolved_dependencies[0] if definition.resolved_dependencies else _Resource()
    )
    pairs = (
        ("the file", subject.name, artefact.name),
        ("the sha256", subject.digest.get("sha256", ""), artefact.sha256),
        ("the project", external.project, manifest.project),
        ("the version", internal.version, manifest.version),
        ("the run", internal.run, manifest.run),
        ("the branch", external.branch, manifest.branch),
        ("the stage", external.stage, artefact.stage),
        ("the commit", source.digest.get("gitCommit", ""), manifest.revision),
    )
    for what, said, expected in pairs:
        if said != expected:
            yield (
                f"is of another release or file: {what} is {plain(str(said)[:200])!r} instead of "
                f"{expected!r}"
            )


def _builder(builder: str, name: str) -> tuple[str, int]:
    site = builder.partition("#")[0]
    level = next((one for one in LEVELS if builder == builder_id(site, one)), None)
    if level is None:
        msg = f"{name}: the builder {plain(builder[:200])!r} is no site of Slipway"
        raise WrongInput(msg)
    return site, level


def policy_problems(origin: Origin, policy: Policy) -> Iterator[str]:
    """Yield in what an artefact's origin is not as a policy demands."""
    if policy.builder is not None and origin.site != policy.builder:
        yield f"the builder is {plain(origin.site)}, and the policy wants {policy.builder}"
    if policy.source is not None and origin.source != source_uri(policy.source):
        wanted = source_uri(policy.source)
        yield f"the source is {plain(origin.source)}, and the policy wants {wanted}"
    if policy.branches and not any(matches(one, origin.branch) for one in policy.branches):
        wanted = ", ".join(policy.branches)
        yield f"the branch is {plain(origin.branch)}, and the policy wants {wanted}"
    if origin.level < policy.minimum_level:
        yield f"the level is {origin.level}, and the policy wants {policy.minimum_level} at least"
    for path, wanted in policy.parameters.items():
        found: Any = origin.parameters
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found != wanted:
            yield f"{path} is {plain(repr(found)[:200])}, and the policy wants {wanted!r}"
