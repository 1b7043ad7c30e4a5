from slipway.sessions.steps import *
