"""The ready steps of `slipway features`."""

from slipway.features.steps import *  # noqa: F403  this is how they become known
