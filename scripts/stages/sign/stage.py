"""Settings of the stage that signs Windows programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from slipway.model.kinds.stage import Glob, Stage

__all__ = ["CERTIFICATE", "KEY", "PASSWORD", "SignStage"]

#: The names of the stage's secrets.
CERTIFICATE, KEY, PASSWORD = "SIGNING_CERTIFICATE", "SIGNING_KEY", "SIGNING_PASSWORD"
_STORES = (".p12", ".pfx")


def _as_urls(given: Any) -> Any:
    if given is False:
        return []
    return [given] if isinstance(given, str) else given


_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+[^\s]*$", max_length=2000)]
_Urls = Annotated[
    tuple[_Url, ...],
    BeforeValidator(_as_urls, json_schema_input_type=_Url | tuple[_Url, ...] | Literal[False]),
]
_Shown = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]


class SignStage(Stage):
    """Sign Windows programs and installers, so that Windows says whose they are."""

    needs_source: ClassVar[bool] = False
    needs_inputs: ClassVar[bool] = True
    replaces_inputs: ClassVar[bool] = True

    uses: Literal["sign"]
    certificate: str | None = None
    """The file of the certificate on the machine that signs, by its absolute path: PEM, with the
    certificates up to its root behind it, or PKCS #12 (.p12, .pfx), which only its owner may
    read. None: it is in the secret SIGNING_CERTIFICATE."""
    program: tuple[str, ...] | None = Field(
        default=None, min_length=1, examples=[["jsign", "--storetype", "YUBIKEY", "{file}"]]
    )
    """A program that signs, with its arguments, where the key is in a device or a service: {file}
    stands for the file, which it signs in place. All of the stage's secrets are its variables, by
    any name. The certificate is then PEM without a key, to compare with."""
    files: tuple[Glob, ...] = ()
    """What to sign, by path in the frozen tree or by name: "*.exe", "lib/shelf/*.pyd". None: every
    executable, DLL and extension module that carries no signature yet, and every installer."""
    skip: tuple[Glob, ...] = ()
    """What to leave as it is, in the same way."""
    timestamp: _Urls = ("http://timestamp.digicert.com",)
    """The timestamp authority (RFC 3161), or several that are tried in turn. False: none; then
    signatures are void when the certificate expires."""
    timestamp_roots: str | None = None
    """A PEM file with the roots of the timestamp authorities, by its absolute path on the machine
    that signs. None: those the system trusts."""
    description: _Shown | None = Field(default=None, examples=["Shelf"])
    """The program's name, as Windows shows it when it asks whether to run it."""
    url: _Url | None = None
    """The address of more about it, which Windows shows there."""

    @property
    def keeps_keys(self) -> bool:
        """True: the key signs in the name of its owner."""
        return True

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The secrets without which it cannot work."""
        if self.certificate is None:
            return (CERTIFICATE,)
        has_key = self.program is not None or self.certificate.lower().endswith(_STORES)
        return () if has_key else (KEY,)

    @property
    def known_secrets(self) -> tuple[str, ...] | None:
        """The secrets that it takes."""
        return (CERTIFICATE, KEY, PASSWORD) if self.program is None else None

    @model_validator(mode="after")
    def _program_signs(self) -> Self:
        if self.program is None:
            return self
        if not any("{file}" in word for word in self.program[1:]):
            msg = 'program: no argument holds "{file}", which stands for the file to sign'
            raise ValueError(msg)
        if any("\0" in word for word in self.program) or not self.program[0]:
            msg = "program: its name is empty, or a word holds a NUL; no system can start that"
            raise ValueError(msg)
        if self.description is not None or self.url is not None:
            msg = "description, url: a program of your own says them itself; take them out"
            raise ValueError(msg)
        return self

    @field_validator("certificate", "timestamp_roots")
    @classmethod
    def _on_the_machine(cls, path: str | None) -> str | None:
        if path is None or PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute():
            return path
        msg = (
            f'"{path}" is not absolute; a file beside pipeline.toml is given as a secret: '
            '[...secrets] SIGNING_CERTIFICATE = { file = "chain.pem" }'
        )
        raise ValueError(msg)

    @field_validator("files", "skip")
    @classmethod
    def _inside(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            _check_inside(pattern, PurePosixPath(pattern).parts)
        return patterns


def _check_inside(pattern: str, parts: Iterable[str]) -> None:
    if pattern.startswith("/") or "\\" in pattern or ".." in parts:
        msg = f'"{pattern}" is no pattern of a path inside; write "*.exe" or "lib/*.pyd"'
        raise ValueError(msg)
