"""Wheels and source archives: what they say of themselves, as the form of an upload has it."""

from __future__ import annotations

import gzip
import re
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from packaging.metadata import InvalidMetadata, Metadata, RawMetadata, parse_email
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from slipway.model.errors import WrongInput
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream

__all__ = ["Distribution", "is_distribution", "read"]

#: Largest description of a package, and largest part of an archive that is looked through for it.
_LONGEST, _MOST_READ, _MOST_ENTRIES = 10_000_000, 4_000_000_000, 200_000
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    ValueError,
    RuntimeError,
)
#: The fields of the form; some are called otherwise than in the metadata.
_FIELDS = {
    **{
        name: name
        for name in (
            *("metadata_version", "version", "summary", "description", "keywords", "home_page"),
            *("author", "author_email", "maintainer", "maintainer_email", "license"),
            *("download_url", "classifiers", "requires", "provides", "obsoletes", "requires_dist"),
            *("provides_dist", "obsoletes_dist", "requires_python", "requires_external"),
            *("project_urls", "description_content_type", "provides_extra", "dynamic"),
            "license_expression",
        )
    },
    "platforms": "platform",
    "supported_platforms": "supported_platform",
    "license_files": "license_file",
}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True)
class Distribution:
    """What a wheel or a source archive says of itself."""

    name: str
    """The normalized name of the project."""
    version: Version
    fields: tuple[tuple[str, str], ...]
    """The fields of the upload's form, without the file and its hashes."""


def is_distribution(file: OutgoingFile) -> bool:
    """Return whether a file is a wheel or a source archive, by its name and what is in it.

    An archive of a program may be called like a source archive; it has no PKG-INFO.
    """
    if _parsed(file.name) is None:
        return False
    return file.name.endswith(".whl") or _description(file) is not None


def _parsed(name: str) -> tuple[str, Version] | None:
    try:
        if name.endswith(".whl"):
            project, version, _build, _tags = parse_wheel_filename(name)
        elif name.endswith(".tar.gz"):
            project, version = parse_sdist_filename(name)
        else:
            return None
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return project, version


def read(file: OutgoingFile) -> Distribution:
    """Read a distribution's metadata.

    Raises:
        WrongInput: It has none, or one that no index would take.
    """
    parsed, text = _parsed(file.name), _description(file)
    if parsed is None or text is None:
        msg = f"{file.name} has no description of a package (METADATA or PKG-INFO)"
        raise WrongInput(msg)
    raw, _ = parse_email(text)
    try:
        made = Metadata.from_raw(raw)
    except ExceptionGroup as group:
        why = "; ".join(str(one) for one in group.exceptions)[:500]
        msg = f"{file.name}: its metadata is not valid: {_plain(why)}"
        raise WrongInput(msg) from None
    except (InvalidMetadata, ValueError) as error:
        msg = f"{file.name}: its metadata is not valid: {_plain(str(error))[:500]}"
        raise WrongInput(msg) from None
    name = canonicalize_name(made.name)
    if (name, made.version) != parsed:
        msg = f"{file.name} says that it is {_plain(made.name)} {made.version}: build it anew"
        raise WrongInput(msg)
    return Distribution(name, made.version, tuple(_fields(raw, file.name)))


def _fields(raw: RawMetadata, name: str) -> list[tuple[str, str]]:
    is_wheel = name.endswith(".whl")
    python = name.removesuffix(".whl").split("-")[-3] if is_wheel else "source"
    fields = [
        ("filetype", "bdist_wheel" if is_wheel else "sdist"),
        ("pyversion", python),
        ("name", _NOT_IN_NAMES.sub("-", raw["name"])),
    ]
    for key, value in cast("dict[str, Any]", raw).items():
        called = _FIELDS.get(key, "")
        if not called:
            continue
        if key == "keywords":
            fields.append((called, ", ".join(value)))
        elif key == "project_urls":
            fields += [(called, f"{label}, {url}") for label, url in value.items()]
        elif isinstance(value, list):
            fields += [(called, one) for one in value]
        else:
            fields.append((called, value))
    return fields


def _description(file: OutgoingFile) -> bytes | None:
    """Return the bytes of METADATA or PKG-INFO; None: there is none.

    Raises:
        WrongInput: The archive is damaged, or no archive.
    """
    stem = file.name.removesuffix(".tar.gz")
    try:
        with OutgoingStream(file) as stream:
            if file.name.endswith(".whl"):
                return _of_wheel(cast("BinaryIO", stream), file.name)
            return _of_archive(cast("BinaryIO", stream), stem)
    except _DAMAGED as error:
        msg = f"{file.name} is no whole archive: {_plain(str(error))[:200]}"
        raise WrongInput(msg) from None


def _of_wheel(stream: BinaryIO, name: str) -> bytes | None:
    project = name.split("-", maxsplit=1)[0]
    with zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            folder, _, rest = entry.filename.partition("/")
            if rest != "METADATA" or not folder.endswith(".dist-info"):
                continue
            there = folder.removesuffix(".dist-info").rpartition("-")[0]
            if canonicalize_name(there) != canonicalize_name(project):
                continue
            if entry.file_size > _LONGEST:
                return None
            with archive.open(entry) as opened:
                data = opened.read(_LONGEST + 1)
            return data if len(data) <= _LONGEST else None
    return None


def _of_archive(stream: BinaryIO, stem: str) -> bytes | None:
    with tarfile.open(fileobj=stream, mode="r:gz") as archive:
        for number, entry in enumerate(archive):
            if number > _MOST_ENTRIES or entry.offset > _MOST_READ:
                return None
            parts = entry.name.removeprefix("./").split("/")
            if parts != [stem, "PKG-INFO"] or not entry.isreg() or entry.size > _LONGEST:
                continue
            opened = archive.extractfile(entry)
            return opened.read() if opened is not None else None
    return None


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
