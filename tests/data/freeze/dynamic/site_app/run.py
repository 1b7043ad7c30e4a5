import importlib
import os


def main():
    settings = importlib.import_module(os.environ.get("SITE_SETTINGS", "site_app.conf.production"))
    print("colour", settings.COLOUR)
