from flask import Flask, render_template

app = Flask(__name__)


@app.get("/<name>")
def hello(name):
    return render_template("hello.html", name=name)


def main():
    answer = app.test_client().get("/Zoë")
    print(answer.status_code, answer.text)
