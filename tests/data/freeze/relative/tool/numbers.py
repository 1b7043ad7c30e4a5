SEVEN = "seven"
