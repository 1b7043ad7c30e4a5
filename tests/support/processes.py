"""Whether a process still runs; a dead one that init has not buried yet does not."""

import psutil


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
