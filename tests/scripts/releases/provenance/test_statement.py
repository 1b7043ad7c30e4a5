"""Provenance: as the published specifications have it, complete, and without secrets."""

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from slipway.model.kinds.stage import STAGES
from slipway.scripts.releases.manifest import Artefact
from slipway.scripts.releases.provenance.facts import BuildFacts
from slipway.scripts.releases.provenance.statement import provenance_of, settings_of, source_uri
from tests.support.signed_releases import SITE, build_facts

HASH = "c" * 64


# ---- strict models, written from the specifications of in-toto (attestation 1.0) and SLSA (1.0)


class Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, alias_generator=to_camel, validate_by_name=True
    )


Uri = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*:[^\s]+$")]
Digests = dict[
    Literal["sha256", "gitCommit"], Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
]


class ResourceDescriptor(Strict):
    name: str | None = None
    uri: Uri | None = None
    digest: Digests | None = None
    content: str | None = None
    download_location: Uri | None = None
    media_type: str | None = None
    annotations: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_of_three(self):
        assert self.uri or self.digest or self.content
        return self


class BuildDefinition(Strict):
    build_type: Uri
    external_parameters: dict[str, Any]
    internal_parameters: dict[str, Any] = {}
    resolved_dependencies: list[ResourceDescriptor] = []


class Builder(Strict):
    id: Uri
    builder_dependencies: list[ResourceDescriptor] = []
    version: dict[str, str] = {}


class Metadata(Strict):
    invocation_id: str
    started_on: Annotated[AwareDatetime, Field(strict=False)]
    finished_on: Annotated[AwareDatetime, Field(strict=False)]


class RunDetails(Strict):
    builder: Builder
    metadata: Metadata
    byproducts: list[ResourceDescriptor] = []


class Predicate(Strict):
    build_definition: BuildDefinition
    run_details: RunDetails


class Subject(Strict):
    name: str
    digest: Digests


class Statement(Strict):
    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: list[Subject] = Field(min_length=1)
    predicate_type: Literal["https://slsa.dev/provenance/v1"]
    predicate: Predicate


# ---- what it says


def artefact(stage="archive"):
    return Artefact(name="almanac.tar.zst", size=1, sha256=HASH, stage=stage)


def made(stage="archive", **given):
    return json.loads(provenance_of(artefact(stage), build_facts(**given)))


def test_it_is_as_the_specifications_have_it():
    statement = Statement.model_validate(made())
    assert statement.subject == [Subject(name="almanac.tar.zst", digest={"sha256": HASH})]
    definition = statement.predicate.build_definition
    assert definition.resolved_dependencies[0] == ResourceDescriptor(
        uri="git+https://git.example.org/almanac.git@refs/heads/main",
        digest={"gitCommit": "a" * 40},
    )
    assert not set(definition.external_parameters) & set(definition.internal_parameters)
    details = statement.predicate.run_details
    assert details.builder.id == f"{SITE}#slsa-build-level-2"
    assert details.metadata.invocation_id == f"{SITE}#/slipway/runs/almanac/7"
    assert details.byproducts[0].digest == {"sha256": "f" * 64}


def test_it_has_what_led_to_the_file_and_nothing_else():
    external = made()["predicate"]["buildDefinition"]["externalParameters"]
    assert sorted(external["stages"]) == ["archive", "freeze", "tests"]
    assert external["stages"]["freeze"] == {"uses": "freeze", "needs": ["tests"]}
    assert external["parameters"] == {"archive": {"reason": "the fair"}}
    assert list(made("docs")["predicate"]["buildDefinition"]["externalParameters"]["stages"]) == [
        "docs"
    ]
    used = made()["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert [one.get("name") for one in used] == [None, "uv.lock"]


def test_equal_facts_give_equal_bytes():
    once, again = (provenance_of(artefact(), build_facts()) for _ in range(2))
    assert once == again


def test_a_password_in_the_repository_is_left_out():
    assert "secret" not in json.dumps(made())


def test_a_circle_or_an_unknown_stage_does_not_hang():
    facts = build_facts()
    turned = tuple(
        one.model_copy(update={"needs": ("archive",) if one.name == "tests" else one.needs})
        for one in facts.stages
    )
    assert made(stages=turned)
    assert made("elsewhere")["predicate"]["runDetails"]["builder"]["id"].endswith("-2")


@pytest.mark.parametrize(("fresh", "level"), [((), 2), (("archive", "freeze"), 2), (None, 3)])
def test_level_3_is_said_only_where_every_worker_was_fresh(fresh, level):
    stages = tuple(
        one.model_copy(update={"fresh": fresh is None or one.name in fresh})
        for one in build_facts().stages
    )
    builder = made(stages=stages)["predicate"]["runDetails"]["builder"]["id"]
    assert builder == f"{SITE}#slsa-build-level-{level}"


@pytest.mark.parametrize(
    ("repository", "uri"),
    [
        ("https://git.example.org/a.git", "git+https://git.example.org/a.git"),
        ("https://joe:pw@git.example.org:8443/a.git", "git+https://git.example.org:8443/a.git"),
        ("ssh://git@git.example.org/a.git", "git+ssh://git@git.example.org/a.git"),
        ("ssh://git:pw@git.example.org/a.git", "git+ssh://git@git.example.org/a.git"),
        ("git@git.example.org:team/a.git", "git+ssh://git@git.example.org/team/a.git"),
        ("https://git.example.org/a.git?token=x", "git+https://git.example.org/a.git"),
        ("/srv/git/a b.git", "git+file:///srv/git/a%20b.git"),
        ("almanac", "git+file:///almanac"),
        ("file:///srv/a.git", "git+file:///srv/a.git"),
    ],
)
def test_a_repository_is_a_uri(repository, uri):
    assert source_uri(repository) == uri
    assert source_uri(repository, "release/1") == f"{uri}@refs/heads/release/1"


def test_settings_are_complete_but_for_secrets():
    kind = STAGES.members["command"]
    stage = kind(
        uses="command",
        argv=("make",),
        secrets={"TOKEN": {"file": "/etc/token"}, "OTHER": {"command": ["pass", "show", "x"]}},
        env={"MODE": "fast"},
        runs_on=("linux",),
    )
    found = settings_of(stage)
    assert found["secrets"] == ["OTHER", "TOKEN"]
    assert "/etc/token" not in json.dumps(found)
    assert (found["argv"], found["env"], found["runs-on"]) == (
        ["make"],
        {"MODE": "fast"},
        ["linux"],
    )
    missing = {one.replace("_", "-") for one in kind.model_fields} - set(found)
    assert missing <= {"machine-retries"}  # how often it was tried is nothing that it is made of


def test_facts_survive_json():
    facts = build_facts()
    assert BuildFacts.model_validate_json(facts.model_dump_json()) == facts
