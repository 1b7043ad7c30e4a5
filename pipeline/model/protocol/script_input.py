"""What a worker's step hands to a stage's script: on its standard input, and nowhere else.

Neither the key nor a secret is in a file, in the environment, in an argument or in a log. The whole
is one JSON object, packed where it is long: Buildbot sends it as one string of at most 640 KiB.
"""

from __future__ import annotations

import base64
import json
import zlib

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.model.errors import WrongInput
from slipway.model.protocol.event import event_problem
from slipway.model.protocol.job import Job

_PACKED = "zlib:"
_LONG = 200_000
_LONGEST = 600_000
_MOST = 1 << 28


class Handed(BaseModel):
    """A job, the key that its events are coded with, and what the stage alone may know."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    job: Job
    key: str = Field(min_length=64, max_length=64, repr=False)
    """The job's own; made anew for each attempt."""
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    """Secrets by the name of the environment variable that the stage's program gets each in. The
    script masks their values in all it says."""

    given: str = ""
    """The folder where the job's inputs lie by their hashes, relative to the current one; the
    script puts them at their paths. Empty: they lie at their paths already."""

    def packed(self) -> str:
        """Return it as ASCII text.

        Raises:
            WrongInput: It is longer than Buildbot can send.
        """
        # ASCII: a worker encodes it as its locale has it.
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
    def unpacked(cls, text: str) -> Handed:
        """Read it again.

        Raises:
            WrongInput: It is something else, or was cut short. What it says is not repeated.
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
