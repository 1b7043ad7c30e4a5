from Cython.Build import cythonize
from setuptools import setup

setup(ext_modules=cythonize("keeper/_callbacks.pyx"))
