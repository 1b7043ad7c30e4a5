from slipway.sessions.integrations.behave_hooks import *
