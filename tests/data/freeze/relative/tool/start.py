from .numbers import SEVEN

if __name__ == "__main__":
    print(SEVEN)
