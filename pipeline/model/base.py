"""What every part of the model is: frozen, closed to unknown keys, kebab-case outside."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from typing import Annotated

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


def to_kebab(name: str) -> str:
    """Spell a Python name as pipeline.toml does: `runs_on` is `runs-on`."""
    return name.replace("_", "-")


class Part(BaseModel):
    """A frozen piece of the model; unknown keys are errors, keys are kebab-case."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        # Most commands use few of the model's parts: each is made ready when it is first used.
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
        """Return the JSON Schema; a key's description is the string below its attribute."""
        made = handler(core_schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for name, text in _attribute_texts(cls).items():
            if name in cls.model_fields:
                properties[cls.model_fields[name].alias or name].setdefault("description", text)
        return made


def _attribute_texts(part: type[Part]) -> dict[str, str]:
    """Return the strings below a class's attributes, its bases' too.

    Pydantic can do this itself (`use_attribute_docstrings`), but then reads all sources at each
    start, for a schema that is made once.
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


#: Names of projects, stages, workers: they become builder, folder and file names everywhere.
Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40),
]
