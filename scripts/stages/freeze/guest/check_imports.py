"""Import modules one by one: `check_imports NAMES.json`. Frozen beside the programs as a check.

For each it writes a line: `+ NAME`, or `- NAME: the error`. A module that ends the process is the
one that has no line.
"""

import importlib
import json
import os
import sys

if __name__ == "__main__":
    # What a module prints is not a line of ours.
    answers = os.dup(1)
    os.dup2(2, 1)
    with open(sys.argv[1], encoding="utf-8") as stream:  # noqa: PTH123
        names = json.load(stream)
    for name in names:
        os.write(answers, f"? {name}\n".encode())
        try:
            importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001  any: the module is somebody else's
            said = " ".join(str(error).split())
            os.write(
                answers, f"- {name}: {type(error).__name__}: {said}\n".encode(errors="replace")
            )
        else:
            os.write(answers, f"+ {name}\n".encode())
    sys.stdout.flush()
    # Not the exit handlers of all that is imported.
    os._exit(0)
