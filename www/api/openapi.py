"""Generate the OpenAPI 3.1 document from the routes and their shapes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from slipway import __version__
from slipway.www.api.route import NUMBER, SHA256, Route
from slipway.www.shapes.base import Problem

__all__ = ["describe"]

_PROBLEMS = {
    "400": "What was asked is wrong",
    "401": "Not signed in",
    "403": "Not allowed",
    "404": "There is no such thing",
    "409": "The state of things refuses it",
    "413": "The body is too large",
    "415": "The body is no JSON",
    "503": "The master is starting, or a program it needs failed",
}
_REF = "#/components/schemas/{model}"
_PARTS: dict[str, dict[str, Any]] = {
    "id": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    "number": {"type": "string", "pattern": f"^({NUMBER})$"},
    "sha256": {"type": "string", "pattern": f"^{SHA256}$"},
}
_NAME = {"type": "string", "minLength": 1, "maxLength": 80}


_PROBLEM = (0, "problem")

_Schemas = dict[tuple[Any, Any], Any]


@functools.lru_cache(maxsize=1)
def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI document."""
    adapters: list[Any] = []
    for route in routes:
        if route.answer not in {None, dict}:
            adapters.append(((id(route), "answer"), "serialization", TypeAdapter(route.answer)))
        if route.body is not None:
            adapters.append(((id(route), "body"), "validation", TypeAdapter(route.body)))
    adapters.append((_PROBLEM, "serialization", TypeAdapter(Problem)))
    found, defined = TypeAdapter.json_schemas(adapters, ref_template=_REF)
    schemas = dict(defined.get("$defs", {}))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        schemas |= _query(route).get("$defs", {})
        paths.setdefault(f"/{route.path}", {})[route.method.lower()] = _operation(route, found)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Slipway", "version": __version__},
        "servers": [{"url": "/plugins/slipway/api"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": _problems(found),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "TWISTED_SESSION"},
            },
        },
        "security": [{}, {"token": []}, {"session": []}],
    }


def _operation(route: Route, found: _Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.answer is dict:
        content = {"application/json": {"schema": {"type": "object"}}}
    elif route.answer is not None:
        content = _json(found[(id(route), "answer"), "serialization"])
    content |= {kind: {} for kind in route.files}
    made: dict[str, Any] = {
        "summary": route.summary,
        "description": f"Takes the right to: {route.action}.",
        "operationId": f"{route.method.lower()}_{_word(route.path)}",
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(route.status): {"description": route.summary, "content": content}}
        | {status: {"$ref": f"#/components/responses/{status}"} for status in _PROBLEMS},
    }
    if route.method == "GET":
        made["responses"]["304"] = {"description": "Unchanged since If-None-Match"}
    if route.body is not None:
        body = _json(found[(id(route), "body"), "validation"])
        made["requestBody"] = {"required": True, "content": body}
    return made


def _problems(found: _Schemas) -> dict[str, Any]:
    """Return what any endpoint may refuse with, by status."""
    content = _json(found[_PROBLEM, "serialization"])
    return {status: {"description": text, "content": content} for status, text in _PROBLEMS.items()}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _word(path: str) -> str:
    return "_".join(part.strip("{}").replace(".", "_") for part in path.split("/"))


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _PARTS.get(name, _NAME)}
        for name in route.names
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    schema = _query(route)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "schema": _without_null(one),
        }
        for name, one in schema.get("properties", {}).items()
    ]


def _query(route: Route) -> dict[str, Any]:
    return route.query.model_json_schema(ref_template=_REF)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without null: query parameters are texts."""
    kinds = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    made = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return made | kinds[0] if len(kinds) == 1 else schema
