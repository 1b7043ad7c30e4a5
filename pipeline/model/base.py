"""Base of the model's parts: frozen, no unknown keys, kebab-case in TOML."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from typing import Annotated

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

__all__ = ["Name", "Part", "to_kebab"]


def to_kebab(name: str) -> str:
    """Convert a Python name to kebab-case as in pipeline.toml: `runs_on` to `runs-on`."""
    return name.replace("_", "-")


class Part(BaseModel):
    """A frozen piece of the model; unknown keys are errors, keys are kebab-case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        # Most commands use few of the parts: build each validator at its first use.
        defer_build=True,
        alias_generator=to_kebab,
        validate_by_name=True,
        validate_by_alias=True,
        validate_default=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema, with the attribute docstrings as descriptions of the keys."""
        made = handler(core_schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for name, text in _attribute_texts(cls).items():
            if name in cls.model_fields:
                properties[cls.model_fields[name].alias or name].setdefault("description", text)
        return made


def _attribute_texts(part: type[Part]) -> dict[str, str]:
    """Return the attribute docstrings of a class and its bases, by name.

    Pydantic's `use_attribute_docstrings` would parse all sources at each start, for a schema that
    is generated once.
    """
    found: dict[str, str] = {}
    for one in reversed(part.__mro__):
        if issubclass(one, Part) and one is not Part:
            body = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
            found |= _texts(body) if isinstance(body, ast.ClassDef) else {}
    return found


def _texts(body: ast.ClassDef) -> dict[str, str]:
    return {
        attribute.target.id: inspect.cleandoc(below.value.value)
        for attribute, below in itertools.pairwise(body.body)
        if isinstance(attribute, ast.AnnAssign)
        and isinstance(attribute.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


#: Names of projects, stages and workers; they become names of builders, folders and files.
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40),
]
