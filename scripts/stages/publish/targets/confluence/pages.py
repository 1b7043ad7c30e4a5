"""The pages' titles and bodies: XHTML in Confluence's storage format, in which all is escaped."""

from __future__ import annotations

import html.entities
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.parsers import expat

from jinja2 import FunctionLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from slipway.html.templates import clean
from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.humanize import size_text, utc
from slipway.scripts.releases.manifest import Artefact, Manifest, StageResult
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingRelease

__all__ = ["Pages", "example"]

_ROOM = "slipway.scripts.stages.publish.targets.confluence"
_OURS = "release.xml.j2"
#: The longest title that Confluence takes is 255 letters; a page on its way has a longer one.
_LONGEST_TITLE = 210
#: The longest body that Confluence Cloud takes is 5 MiB, with all that is around it.
_LONGEST_BODY = 5_000_000
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
#: What a template's expressions may raise.
_FAILS = (
    *(TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError),
    ValueError,
)
_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_SPACES = 'xmlns:ac="urn:ac" xmlns:ri="urn:ri"'


class Pages:
    """The pages of one project."""

    def __init__(self, project: str, title: str, latest: str | None, template: str | None) -> None:
        """Initialize; nothing is rendered.

        Args:
            project: The project's name.
            title: The pattern of a release's title.
            latest: The pattern of the title of the page with the newest release.
            template: The project's own template of a release's page.
        """
        self._project, self._title, self._latest = project, title, latest
        self._own = template

    def title(self, version: str) -> str:
        """Return the title of a release's page.

        Raises:
            WrongInput: It is longer than Confluence takes.
        """
        return _title(self._title.format(project=self._project, version=version), "page-title")

    def may_be_release(self, title: str) -> bool:
        """Return False for a title that no release's page has."""
        mark = "\0"
        head, _, tail = self._title.format(project=self._project, version=mark).partition(mark)
        tail = tail.rpartition(mark)[2]
        title = title.casefold()
        return title.startswith(head.lstrip().casefold()) and title.endswith(
            tail.rstrip().casefold()
        )

    @property
    def latest_title(self) -> str | None:
        """The title of the page with the newest release, if there is to be one."""
        if self._latest is None:
            return None
        return _title(self._latest.format(project=self._project), "latest-title")

    def aside(self, title: str, token: str) -> str:
        """Return the title that a page has until it is whole; the same for the same release."""
        return f"{title} (being published, {token})"

    def placeholder(self) -> str:
        """Return the body that a page has until it is whole."""
        return _checked(_ours("placeholder.xml.j2").render(), "the built-in page")

    def release(self, release: OutgoingRelease) -> str:
        """Return the body of a release's page.

        Raises:
            WrongInput: The project's own template fails, or what it makes is no storage format.
            StageFailed: The page is longer than Confluence takes.
        """
        given = _facts(release)
        if self._own is None:
            return _checked(_ours(_OURS).render(given), "the page")
        try:
            body = _environment().from_string(self._own).render(given)
        except _FAILS as error:
            number = getattr(error, "lineno", None)
            line = f" (line {number})" if number else ""
            msg = f"template: the page cannot be made: {error}{line}; nothing was published there"
            raise WrongInput(msg) from None
        return _checked(body, "template")

    def newest(
        self,
        pages: Mapping[str, str],
        latest: str,
        channels: Mapping[str, str],
        given: OutgoingRelease | None,
    ) -> str:
        """Return the body of the page with the newest release.

        Args:
            pages: The titles of the releases' pages that are there, by version.
            latest: The newest version.
            channels: The version of each channel.
            given: The newest release, if it is this one; None: only its page is linked.
        """
        facts = _facts(given) if given is not None else {"files": []}
        body = _ours("latest.xml.j2").render(
            project=self._project,
            pages=dict(pages),
            version=latest,
            channels=dict(channels),
            files=facts["files"],
        )
        return _checked(body, "the page of the newest release")


def example(project: str, version: str) -> OutgoingRelease:
    """Return a release to try a template with before there is one."""
    name, digest = f"{project}-{version}.zip", "0" * 64
    artefact = Artefact(name=name, size=1, sha256=digest)
    made = Manifest(
        project=project,
        version=version,
        revision="0" * 40,
        branch="main",
        subject="An example of a subject: a & b < c ]]>",
        author="An author <author@example.org>",
        run=1,
        committed_at=utc(0),
        published_at=utc(0),
        worker="a worker",
        artefacts=(artefact,),
        stages=(StageResult(stage="tests", uses="tests", state="passed", summary="1 test"),),
    )
    return OutgoingRelease(made, (OutgoingFile(name, Path(name), 1, digest),))


def _title(text: str, key: str) -> str:
    plain = " ".join(clean(text).split())
    if len(plain) > _LONGEST_TITLE:
        msg = (
            f'{key}: "{plain[:60]}..." has {len(plain)} letters; Confluence takes titles of at most'
        )
        raise WrongInput(f"{msg} {_LONGEST_TITLE}: write a shorter one")
    return plain


def _facts(release: OutgoingRelease) -> dict[str, Any]:
    """Return what a template may insert: plain values, no objects of ours."""
    return {
        "release": release.manifest.model_dump(mode="python"),
        "files": [
            {"name": one.name, "size": one.size, "sha256": one.sha256, "type": one.media_type}
            for one in release.files
        ],
    }


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["size"] = size_text
    made.filters["cut"] = _cut
    made.filters["moment"] = lambda when: f"{when:%Y-%m-%d %H:%M} UTC"
    # What it would let through unescaped comes from commits.
    del made.filters["safe"]
    return made


def _ours(name: str) -> Template:
    return _environment().get_template(name)


def _read(name: str) -> str | None:
    if not name.endswith(".xml.j2") or "/" in name:
        return None
    return files(_ROOM).joinpath(name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """Return a value that is about to be escaped, without what no XML may hold."""
    return value if isinstance(value, Markup) else clean(str(value))


def _cut(value: object, longest: int = 300) -> str:
    """Return a text, cut where it is long."""
    text = str(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def _checked(body: str, what: str) -> str:
    """Return a body that is well-formed and short enough.

    Raises:
        StageFailed: It is too long.
        WrongInput: It is not well-formed.
    """
    if len(body.encode()) > _LONGEST_BODY:
        msg = f"{what}: it has {len(body.encode()):,} bytes, and Confluence takes {_LONGEST_BODY:,}"
        raise StageFailed(msg)
    parser = expat.ParserCreate(namespace_separator=" ")
    try:
        parser.Parse(f"<page {_SPACES}>{_NAMED.sub(_letter, body)}</page>", True)  # noqa: FBT003
    except expat.ExpatError as error:
        msg = (
            f"{what}: what it makes is no storage format of Confluence, which is XML: line "
            f"{error.lineno}: {expat.ErrorString(error.code)}; nothing was published there"
        )
        raise WrongInput(msg) from None
    return body


def _letter(found: re.Match[str]) -> str:
    """Return a letter for its name in HTML, which Confluence knows and XML does not."""
    name = found.group(1)
    return found.group() if name in _XML else html.entities.html5.get(f"{name};", found.group())
