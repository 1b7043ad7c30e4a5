import multiprocessing
import sys


def square(number):
    return number * number


def main():
    # Windows and macOS have no forkserver.
    way = "forkserver" if sys.platform == "linux" else "spawn"
    with multiprocessing.get_context(way).Pool(2) as pool:
        print(pool.map(square, [1, 2, 3]))
    # The server itself holds a pipe of ours: a program that goes on for ever would not end.
    manager = multiprocessing.get_context(way).Manager()
    shared = manager.list([1])
    assert list(shared) == [1]
    manager.shutdown()
