import numpy

print(
    "det",
    round(float(numpy.linalg.det(numpy.array([[1, 2], [3, 4]])))),
    numpy.random.default_rng(1).integers(1),
)
