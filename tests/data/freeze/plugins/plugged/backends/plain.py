def greet():
    return "PLAIN"
