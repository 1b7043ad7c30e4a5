"""What every part of the model is: frozen, closed to unknown keys, kebab-case outside."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


def to_kebab(name: str) -> str:
    """Spell a Python name as pipeline.toml does: `runs_on` is `runs-on`."""
    return name.replace("_", "-")


class Part(BaseModel):
    """A frozen piece of the model; unknown keys are errors, keys are kebab-case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_kebab,
        validate_by_name=True,
        validate_by_alias=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )


#: Names of projects, stages, workers: they become builder, folder and file names everywhere.
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40),
]
