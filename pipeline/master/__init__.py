"""model -> Buildbot: builders, schedulers, workers, access."""

from slipway.master.force import ForceRun, ForceStage
from slipway.master.plan import Plan
from slipway.master.poller import RepositoryPoller
from slipway.master.scheduler import PipelineScheduler

__all__ = ["ForceRun", "ForceStage", "PipelineScheduler", "Plan", "RepositoryPoller"]
