import multiprocessing


def square(number):
    return number * number


def main():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(square, [1, 2, 3]))
