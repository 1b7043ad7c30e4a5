"""Settings of the target `pypi`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from slipway.model.kinds.release_target import Target
from slipway.scripts.stages.publish.targets.http_settings import (
    Authorities,
    OpenUrl,
    SecretName,
    Url,
)

__all__ = ["PypiTarget"]

#: Where indexes are read that are not below the address of uploads.
_READ = {
    "https://upload.pypi.org/legacy": "https://pypi.org/simple",
    "https://test.pypi.org/legacy": "https://test.pypi.org/simple",
}


class PypiTarget(Target):
    """An index of Python packages: PyPI, or any other that takes uploads as PyPI does.

    It gets the wheels and source archives of a release and nothing else. No index hides a file
    that was uploaded: they become public one by one, after all were checked.
    """

    runner: ClassVar[str] = "slipway.scripts.stages.publish.targets.pypi.target:PypiUpload"
    why_kept: ClassVar[str] = (
        "an index never takes a file of the same name again, so what was removed could not be "
        "published once more; yank old versions there instead"
    )
    takes_all: ClassVar[bool] = False

    kind: Literal["pypi"]
    url: Url = "https://upload.pypi.org/legacy/"
    """The address of uploads: PyPI's, https://test.pypi.org/legacy/, or that of a pypiserver, a
    devpi index, a Nexus repository or a GitLab (https://HOST/api/v4/projects/24/packages/pypi)."""
    index: OpenUrl | None = None
    """The address of the simple index, from which files are read. None: PyPI's own, or else simple/
    below `url`; devpi has it at +simple/."""
    user: str = Field(default="__token__", pattern=r"^[^:\x00-\x1f\x7f]+$", max_length=200)
    """The name that goes with the password."""
    password: SecretName = "PYPI_TOKEN"  # noqa: S105  it is a name
    """The stage's secret with the token or password, by its name."""
    authorities: Authorities | None = None
    """A PEM file with authorities to trust besides the usual ones, on the machine that publishes,
    by its absolute path."""

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The password's name."""
        return (self.password,)

    @property
    def read_from(self) -> str:
        """The address of the simple index, with a slash at its end."""
        url = self.url.rstrip("/")
        return (self.index or _READ.get(url) or f"{url}/simple").rstrip("/") + "/"

    @property
    def is_pypi(self) -> bool:
        """True if it is PyPI itself, which has rules of its own."""
        return self.url.rstrip("/") in _READ
