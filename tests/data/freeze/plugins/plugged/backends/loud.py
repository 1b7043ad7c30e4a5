def greet():
    return "LOUD"
