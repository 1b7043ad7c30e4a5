import atexit
from importlib import import_module


def main():
    mock = import_module("unittest.mock")
    with mock.patch("os.getcwd", return_value="elsewhere"):
        said = import_module("os").getcwd()
    atexit.register(print, f"left by {'exit' if said == 'elsewhere' else said}")
    assert callable(quit), "no quit"
    exit(0)
