"""The public API of plugins: the stable interface of Slipway for packages of others.

A plugin is a package that is installed beside Slipway, on the master and on the workers that do its
work. It names classes of settings under entry points:

- `slipway.stages`: a `Stage`; what does it is a function `run(job, report)`
- `slipway.deployers`: a `Deployer`; what does it is a `Way`
- `slipway.targets`: a `Target`; what copies a release there is a `ReleaseTarget`
- `slipway.notifiers`: a `Notifier`; what sends is a function `send(settings, notice, context)` or a
  `Sender`

Slipway's own are found in the same way. docs/how-to/write-a-plugin.md has an example of each.
"""

from slipway.model.base import Name, Part
from slipway.model.duration import Duration
from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.kinds.environment import Deployer
from slipway.model.kinds.notice import Notifier
from slipway.model.kinds.release_target import Target
from slipway.model.kinds.stage import ApplicationStage, Stage
from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Recipient, Refused, Retry, Sender, SendingSite
from slipway.model.protocol.job import Deployment, Input, Job, Release
from slipway.model.retention import PublishedRelease
from slipway.model.secrets.location import SecretPlace
from slipway.model.states import FileState
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ReleaseTarget, Seen, TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.deploy.way import Way

__all__ = [
    "ApplicationStage",
    "Context",
    "Deployer",
    "Deployment",
    "Duration",
    "Event",
    "FileState",
    "Input",
    "Job",
    "MissingTool",
    "Name",
    "Notice",
    "Notifier",
    "OutgoingFile",
    "OutgoingRelease",
    "OutgoingStream",
    "Part",
    "Pointers",
    "PublishedRelease",
    "Recipient",
    "Refused",
    "Release",
    "ReleaseTarget",
    "Report",
    "Retry",
    "SecretPlace",
    "Seen",
    "Sender",
    "SendingSite",
    "Stage",
    "StageFailed",
    "Target",
    "TryAgain",
    "Way",
    "WrongInput",
]
