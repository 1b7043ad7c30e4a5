from . import steps

print("as a module of", __package__, steps.COUNT, __spec__.name)
