"""Generate the JSON Schema of pipeline.toml, and the reference page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from slipway.model.kinds.environment import DEPLOYERS
from slipway.model.kinds.notice import NOTIFIERS, Notifier
from slipway.model.kinds.registry import Kinds
from slipway.model.kinds.release_target import TARGETS
from slipway.model.kinds.stage import STAGES, Stage
from slipway.model.site import Site

__all__ = ["FILE", "json_schema", "reference", "schema_text"]

#: Path of the schema in the package; a test compares it with the model.
FILE = "pipeline.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a whole pipeline.toml, for editors and other programs."""
    made = Site.model_json_schema(by_alias=True)
    return {"$schema": _DIALECT, "title": "pipeline.toml of Slipway", **made}


def schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def reference() -> str:
    """Return the reference of pipeline.toml as a Markdown page."""
    return "\n".join(_reference_lines()).rstrip() + "\n"


_HEAD = """# pipeline.toml

<!-- Made by `slipway schema --reference` from the model; change the model, not this page. -->

Every key of a site's file. Keys are kebab-case; a key without a default must be written.
`slipway check` tells all errors at once, each with its line; the same rules stand in
[pipeline.schema.json](../../pipeline/config/pipeline.schema.json), which editors understand:
put `#:schema pipeline/config/pipeline.schema.json` on the file's first line.

Durations are seconds, or text such as `"90s"`, `"15m"`, `"12h"`, `"1h30m"`, `"2d"`.
Names are lower-case letters, digits, `-` and `_`, a letter first, at most 40 characters."""

_SECTIONS = (
    ("SiteSettings", "[site]", "The installation itself."),
    (
        "ReleaseKey",
        "[site.release-key]",
        (
            "Where the key that signs releases is kept, or what signs with it. One of the four; "
            "[how to keep the key](../how-to/keep-the-release-key.md)."
        ),
    ),
    ("OpenPgp", "[site.openpgp]", "An OpenPGP key that signs SHA256SUMS, too."),
    ("Sigstore", "[site.sigstore]", "A signature of SHA256SUMS without a key."),
    ("Project", "[project.NAME]", "One application; write as many as you have."),
    ("Keep", "[project.NAME.keep]", "How long artefacts stay in the store."),
    ("Worker", "[workers.NAME]", "One machine or process that runs stages."),
    (
        "PersonSettings",
        "[people.NAME]",
        "One person, by the name they sign in with: letters, digits and `. _ @ + -`.",
    ),
    ("Access", "[access]", "Who may look without signing in, and how people sign in."),
    (
        "SecretPlace",
        "password = { ... }",
        "Where a secret is kept; never the secret itself. One of the three.",
    ),
    (
        "StageSecret",
        "[project.NAME.stages.NAME.secrets]",
        (
            "Secrets for a stage, by the environment variable that its program gets each in; "
            "[how to give a stage secrets](../how-to/give-a-stage-secrets.md)."
        ),
    ),
)


def _reference_lines() -> Iterator[str]:
    schema = json_schema()
    parts = schema["$defs"]
    yield _HEAD
    for part, heading, what in _SECTIONS:
        yield from ("", f"## `{heading}`", "", what, "")
        yield from _table(parts[part], skip={"stages", "environments"})
    yield from ("", "## `[project.NAME.stages.NAME]`", "", "Keys that every stage has:", "")
    shared = set(Stage.model_json_schema(by_alias=True)["properties"]) - {"uses"}
    yield from _table(Stage.model_json_schema(by_alias=True), only=shared)
    for kind, model in STAGES.members.items():
        made = model.model_json_schema(by_alias=True)
        yield from ("", f'### `uses = "{kind}"`', "", made["description"], "")
        yield from _table(made, skip=shared | {"uses"})
    yield from ("", "### `[[project.NAME.stages.NAME.suites]]`", "", "One test suite.", "")
    yield from _table(parts["Suite"])
    yield from _kind_lines('targets = [{{ kind = "{}", ... }}]', TARGETS, set())
    yield from _environment_lines(parts)
    yield from _notifier_lines()


def _kind_lines(key: str, kinds: Kinds[Any], shared: set[str]) -> Iterator[str]:
    for kind, model in kinds.members.items():
        made = model.model_json_schema(by_alias=True)
        yield from ("", f"### `{key.format(kind)}`", "", made["description"], "")
        yield from _table(made, skip={"kind"} | shared)


def _notifier_lines() -> Iterator[str]:
    what = "What tells people of runs, gates and deployments; write as many as you have."
    yield from ("", "## `[notify.NAME]`", "", what, "")
    made = Notifier.model_json_schema(by_alias=True)
    yield from _table(made)
    yield from _kind_lines('kind = "{}"', NOTIFIERS, set(made["properties"]))


def _environment_lines(parts: dict[str, Any]) -> Iterator[str]:
    what = 'Where the project\'s releases are deployed; stages with `uses = "deploy"` name it.'
    yield from ("", "## `[project.NAME.environments.NAME]`", "", what, "")
    yield from _table(parts["Environment"])
    yield from _kind_lines('deployer = {{ kind = "{}", ... }}', DEPLOYERS, set())
    check = parts["HealthCheck"]
    yield from ("", "### `health = [{ ... }]`", "", check["description"], "")
    yield from _table(check)


def _table(
    part: dict[str, Any], *, skip: set[str] | None = None, only: set[str] | None = None
) -> Iterator[str]:
    required = part.get("required", [])
    yield "| key | what it is | type | default |"
    yield "| --- | --- | --- | --- |"
    for key, field in part["properties"].items():
        if key in (skip or set()) or (only is not None and key not in only):
            continue
        description = field.get("description", "").replace("\n", " ").replace("|", "\\|")
        default = "**must be written**" if key in required else _default(field)
        yield f"| `{key}` | {description} | {_type(field)} | {default} |"


def _default(field: dict[str, Any]) -> str:
    value = field.get("default")
    return "none" if value is None else f"`{json.dumps(value)}`"


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        kinds = [_type(one) for one in field["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in field or "const" in field:
        allowed = field.get("enum", [field.get("const")])
        return " \\| ".join(f"`{json.dumps(one)}`" for one in allowed)
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    if "oneOf" in field:
        return "table"
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return {"SecretPlace": "secret", "Event": "event"}.get(name, "table")
    plain = {"object": "table", "string": "text"}
    kind = str(field.get("type", "any"))
    return plain.get(kind, kind)
