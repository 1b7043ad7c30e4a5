from jinja2 import Environment, PackageLoader


def main():
    print(Environment(loader=PackageLoader("letters")).get_template("dear.txt").render(name="Zoë"))
