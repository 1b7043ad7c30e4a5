#!/bin/sh
# Set up a Slipway worker on this machine, or remove it. All work is done by set_up_worker.py.
#
#   sh setup.sh [--folder /srv/slipway/NAME] [--remove]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
command -v "$python" >/dev/null || {
  echo "python3 is missing; install 3.11 or newer: apt install python3 python3-venv" >&2
  exit 3
}
exec "$python" -I "$here/set_up_worker.py" "$@"
