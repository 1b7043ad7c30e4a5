"""Parameters and a moment, for tests of what a gate asks."""

from datetime import date

from pydantic import TypeAdapter

from slipway.model.parameter import Choice, Context, Parameters

_PARAMETERS = TypeAdapter(Parameters)
EVERY_TYPE = [
    {"name": "ticket", "type": "string", "pattern": "[A-Z]+-[0-9]+", "default": "OPS-1"},
    {"name": "notes", "type": "text", "max-length": 2000, "default": "a\nb"},
    {"name": "count", "type": "integer", "min": 1, "max": 9, "default": 3},
    {"name": "share", "type": "decimal", "min": 0, "max": "1.00", "places": 2, "default": "0.5"},
    {"name": "quick", "type": "boolean", "default": True},
    {"name": "tone", "type": "choice", "choices": ["soft", {"value": "l", "label": "Loud"}]},
    {"name": "region", "type": "choice", "choices-from": ["regions", "--all"], "default": "north"},
    {"name": "parts", "type": "multi-choice", "choices": ["a", "b"], "min": 1, "default": ["a"]},
    {"name": "day", "type": "date", "min": "today", "max": "today+7d", "default": "today+1d"},
    {"name": "release", "type": "release", "default": {"from": "version"}},
    {"name": "place", "type": "environment", "default": "staging"},
    {"name": "token", "type": "secret", "min-length": 8, "required": True},
]


def ask(*parameters):
    """Return the parameters that tables of a pipeline.toml say."""
    return _PARAMETERS.validate_python(parameters)


def moment(**changes):
    """Return what parameters depend on, at one moment."""
    known = {
        "today": date(2026, 3, 10),
        "version": "1.4.0+7",
        "revision": "c0ffee",
        "branch": "main",
        "releases": (Choice(value="1.4.0+7"), Choice(value="1.3.0+5", label="1.3.0+5, of May")),
        "environments": (Choice(value="staging"), Choice(value="production")),
        "choices": {"region": (Choice(value="north"), Choice(value="south"))},
    }
    return Context(**(known | changes))


def reloaded(parameters):
    """Return parameters after a trip through JSON, as a job makes it."""
    return _PARAMETERS.validate_json(_PARAMETERS.dump_json(parameters, by_alias=True))


def dumped(parameters):
    """Return parameters as plain Python, without asking for the file's spelling of keys."""
    return _PARAMETERS.dump_python(parameters)


def schema():
    """Return the JSON Schema of a list of parameters."""
    return _PARAMETERS.json_schema(by_alias=True)
