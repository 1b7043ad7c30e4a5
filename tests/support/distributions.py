"""Wheels and source archives, made by hand: right ones and wrong ones."""

from __future__ import annotations

import io
import tarfile
import zipfile

METADATA = """Metadata-Version: 2.4
Name: {name}
Version: {version}
Summary: The sky tonight
Keywords: moon,stars
Author-email: Ada <ada@example.org>
License-Expression: MIT
License-File: LICENSE
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Scientific/Engineering :: Astronomy
Project-URL: Home, https://example.org/almanac
Requires-Python: >=3.11
Requires-Dist: rich>=14
Provides-Extra: charts
Requires-Dist: matplotlib; extra == "charts"
Description-Content-Type: text/markdown

# Almanac

Où est la lune?
"""


def wheel(name: str = "almanac", version: str = "1.4.0", *, text: str | None = None) -> bytes:
    """Return a wheel; `text` are its METADATA."""
    folder = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": b"",
        f"{folder}/METADATA": _metadata(name, version, text),
        f"{folder}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{one},,\n" for one in (*files, f"{folder}/RECORD"))
    files[f"{folder}/RECORD"] = record.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for path, data in files.items():
            made.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def sdist(name: str = "almanac", version: str = "1.4.0", *, text: str | None = None) -> bytes:
    """Return a source archive; `text` is its PKG-INFO, and none if it is empty."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        files = {"pyproject.toml": b"[project]\n"}
        if text != "":
            files["PKG-INFO"] = _metadata(name, version, text)
        for path, data in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _metadata(name: str, version: str, text: str | None) -> bytes:
    return (METADATA.format(name=name, version=version) if text is None else text).encode()
