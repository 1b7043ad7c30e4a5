import io
import os
import tempfile

os.environ.setdefault("MPLCONFIGDIR", tempfile.mkdtemp())
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

pyplot.plot([1, 2], [3, 4])
picture = io.BytesIO()
pyplot.savefig(picture, format="png")
print(picture.getvalue()[1:4].decode())
