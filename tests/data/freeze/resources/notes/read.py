from importlib.resources import files


def main():
    first = files("notes").joinpath("sql/first.sql").read_text().strip()
    deep = files("notes.data").joinpath("deep.txt").read_text().strip()
    print(first, "and", deep)
