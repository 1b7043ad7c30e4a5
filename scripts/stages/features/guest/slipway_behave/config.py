"""Build behave's configuration from the project's files and the user's arguments.

Tags are parsed here, so that neither a `tag_expression_protocol` nor a version of behave misreads
them (https://github.com/behave/behave/issues/1170: its detection of the style can be wrong).
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

from . import tags as feature_tags
from .errors import WrongInput, one_line
from .settings import Settings

__all__ = ["configure", "is_question", "runner_class", "set_formats"]

#: Arguments that only print a text, without a run.
_QUESTIONS = ("version", "tags_help", "lang_list", "lang_help")
_USUAL_FORMAT = "pretty"
_DEFAULT_RUNNER = "behave.runner:Runner"


def configure(settings: Settings) -> Any:
    """Build behave's Configuration.

    Raises:
        WrongInput: behave does not accept the arguments, or the project's configuration is wrong.
        SystemExit: The arguments asked for help, which has been printed.
    """
    try:
        arguments = feature_tags.translate(settings.arguments)
    except feature_tags.WrongTags as error:
        raise WrongInput(str(error), "tags") from None
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            config = _class()(arguments)
            if not hasattr(config, "slipway_tags"):
                # This version of behave parses its tags elsewhere; ours override them.
                config.setup_tag_expression()
    except SystemExit as error:
        if not error.code:
            raise
        raise WrongInput(_refused(errors.getvalue(), settings.arguments), "arguments") from None
    except feature_tags.WrongTags as error:
        raise WrongInput(f"the tags of behave's configuration: {error}", "tags") from None
    except WrongInput:
        raise
    except Exception as error:  # noqa: BLE001  behave's parsers may raise anything
        text = f"behave's configuration or arguments cannot be used: {one_line(error)}"
        raise WrongInput(text, "configuration") from None
    config.update_userdata(settings.userdata)
    ours: dict[str, Any] = {"attempt": 1, "process": settings.index, "jobs": settings.jobs}
    ours.update({"evidence": settings.evidence, "token": settings.token})
    config.userdata.update({f"slipway.{name}": value for name, value in ours.items()})
    return config


def _class() -> Any:
    from behave.configuration import Configuration

    class Ours(Configuration):  # type: ignore[misc]  # behave ships no types
        """A Configuration that parses tags as this run defines them."""

        tags: Any

        def setup_tag_expression(self, tags: Any = None) -> None:
            given, configured = _list(tags or self.tags), _list(self.config_tags)
            text = feature_tags.expression(given, configured or _list(self.default_tags))
            self.slipway_tags = text
            self.tag_expression = _parse(text)
            self.tags = [text] if text else []
            _keep_protocol(self)

    return Ours


def _parse(text: str) -> Any:
    import behave.tag_expression  # noqa: F401  adds check() to expressions

    try:
        from behave.tag_expression.parser import (
            TagExpressionParser,
        )
    except ImportError:
        from cucumber_tag_expressions.parser import (
            TagExpressionParser,
        )
    try:
        return TagExpressionParser.parse(text.replace("@", ""))
    except Exception as error:  # noqa: BLE001  its class differs between versions
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "it cannot be read"
        raise WrongInput(f'the tag expression "{text}" is wrong: {reason}', "tags") from None


def _keep_protocol(config: Any) -> None:
    """Set the project's tag expression protocol, as the overridden method does."""
    with contextlib.suppress(ImportError, AttributeError, TypeError, ValueError):
        from behave.tag_expression import TagExpressionProtocol

        TagExpressionProtocol.use(config.tag_expression_protocol)


def _list(value: Any) -> list[str]:
    if not value:
        return []
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _refused(message: str, arguments: list[str]) -> str:
    """Convert argparse's error into our sentence."""
    problem = message.rpartition("error:")[2].strip() or "they cannot be read"
    formats = re.search(r"BAD_FORMAT=(.*)", problem)
    if formats:
        return f"behave has no such formatter: {formats.group(1)}; see `behave --format=help`"
    return f"behave does not take the arguments {' '.join(arguments)!r}: {problem}; see `behave -h`"


def is_question(config: Any) -> bool:
    """Return True if the arguments only ask behave for a text, such as its version."""
    helps = "help" in (config.format or []) or config.runner == "help"
    asked = any(getattr(config, name, None) for name in _QUESTIONS)
    return asked or helps or config.lang == "help"


def set_formats(config: Any, settings: Settings) -> bool:
    """Choose formatters as behave's command line does, with separate output files per process.

    Several processes cannot write one file: each writes NAME.INDEX.ENDING instead. Nor can they
    share a log by steps: unless a formatter was chosen, they print nothing but compact_log's lines.

    Returns:
        True if the log is to be compact.

    Raises:
        WrongInput: There are more output files than formatters.
    """
    chosen = config.format or config.default_format != _USUAL_FORMAT or config.dry_run
    compact = settings.jobs > 1 and not chosen and not any(one.name for one in config.outputs)
    if compact:
        config.format = ["null"]
        _omit_summary(config)
    elif not config.format:
        config.format = [config.default_format]
    elif len(config.format) == len(config.defaults.get("format") or []):
        config.format.append(config.default_format)
    if len(config.outputs) > len(config.format):
        text = (
            f"there are {len(config.outputs)} output files (-o) for {len(config.format)} formatters"
        )
        raise WrongInput(text, "arguments")
    if settings.jobs > 1:
        for opener in config.outputs:
            if opener.name:
                path = Path(opener.name)
                opener.name = str(path.with_name(f"{path.stem}.{settings.index}{path.suffix}"))
    return compact


def _omit_summary(config: Any) -> None:
    """Omit behave's summary: it counts the scenarios of one process as if they were all."""
    from behave.reporter.summary import SummaryReporter

    config.reporters = [one for one in config.reporters if type(one) is not SummaryReporter]


def runner_class(config: Any) -> Any:
    """Return the runner class that the project has chosen.

    Raises:
        WrongInput: It cannot be loaded, or is not a subclass of behave's Runner.
    """
    from behave.runner import Runner

    name = config.runner_aliases.get(config.runner, config.runner)
    if name == _DEFAULT_RUNNER:
        return Runner
    module, _, kind = str(name).partition(":")
    try:
        import importlib

        found = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError, ValueError) as error:
        raise WrongInput(f'the runner "{name}" cannot be loaded: {error}', "runner") from None
    if not (isinstance(found, type) and issubclass(found, Runner)):
        raise WrongInput(f'the runner "{name}" is no kind of behave.runner.Runner', "runner")
    return found
