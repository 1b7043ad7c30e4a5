"""Print the version."""

import argparse
from importlib.metadata import version


def main():
    parser = argparse.ArgumentParser(prog="own-version")
    parser.add_argument(
        "--version", action="version", version=f"own-version {version('own-version')}"
    )
    parser.parse_args()
    print(f"own-version {version('own-version')}")
