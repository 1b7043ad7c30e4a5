from slipway.features.behaving import *
