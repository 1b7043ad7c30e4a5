"""A program for the target `command`: it keeps releases in a folder, which its argument names.

Each request is one line of JSON; what it answers is JSON, or the bytes of a file.
"""

import json
import shutil
import sys
from pathlib import Path

request = json.loads(sys.stdin.buffer.readline())
project = Path(sys.argv[1], request["project"])
public = project / request["version"]
aside = project / f".{request['version']}.part"
here = public if public.exists() else aside
answer = {}

match request["verb"]:
    case "check":
        if project.exists() and not project.is_dir():
            sys.exit(f"{project} is no folder")
    case "look":
        state = "public" if here == public else "staged"
        names = [path.name for path in here.iterdir()] if here.exists() else []
        answer = {"files": {name: {"state": state} for name in names}}
    case "stage":
        aside.mkdir(parents=True, exist_ok=True)
        with (aside / request["file"]["name"]).open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
    case "read":
        with (here / request["file"]["name"]).open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.exit()
    case "commit":
        if not public.exists():
            aside.rename(public)
        answer = {"place": str(public)}
    case "point":
        (project / "latest.txt").write_text(request["latest"])

json.dump(answer, sys.stdout)
