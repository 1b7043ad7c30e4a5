"""Standard input of a stage's script: the job, the event key and secrets.

Neither the key nor a secret is ever in a file, the environment, an argument or a log. The input is
one JSON object, compressed if long: Buildbot sends it as one string of at most 640 KiB.
"""

from __future__ import annotations

import base64
import json
import zlib

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.model.errors import WrongInput
from slipway.model.protocol.event import event_problem
from slipway.model.protocol.job import Job

__all__ = ["Dispatched"]

_PACKED = "zlib:"
_LONG = 200_000
_LONGEST = 600_000
_MOST = 1 << 28


class Dispatched(BaseModel):
    """The job, the key of its events, and the secrets of the stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    job: Job
    key: str = Field(min_length=64, max_length=64, repr=False)
    """Generated for each attempt."""
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    """Secrets by the environment variable of the stage's program; masked in the script's output."""

    given: str = ""
    """Relative path of a folder with the job's inputs, named by their hashes.

    The script moves them to their paths. Empty: they are at their paths already.
    """

    def packed(self) -> str:
        """Serialise to ASCII text.

        Raises:
            WrongInput: The text is longer than Buildbot can send.
        """
        # ASCII: the worker encodes the text in its locale's encoding.
        text = json.dumps(self.model_dump(mode="json", by_alias=True))
        if len(text) > _LONG:
            text = _PACKED + base64.b64encode(zlib.compress(text.encode())).decode("ascii")
        if len(text) > _LONGEST:
            msg = (
                f"the job of {self.job.name} is too long to be sent to a worker: {len(text):,} "
                f"characters, {_LONGEST:,} are possible; have earlier stages leave fewer files, or "
                "give it shorter secrets"
            )
            raise WrongInput(msg)
        return text

    @classmethod
    def unpacked(cls, text: str) -> Dispatched:
        """Parse the text of `packed`.

        Raises:
            WrongInput: The text is invalid or truncated. The message does not contain it.
        """
        try:
            if text.startswith(_PACKED):
                data = base64.b64decode(text.removeprefix(_PACKED), validate=True)
                text = zlib.decompressobj().decompress(data, _MOST).decode()
            return cls.model_validate_json(text)
        except ValidationError as error:
            problem = event_problem(error)
        except (ValueError, zlib.error):
            problem = "it cannot be unpacked"
        msg = f"standard input: this is no job from a worker's step: {problem}"
        raise WrongInput(msg)
