from slipway.features.steps import *
