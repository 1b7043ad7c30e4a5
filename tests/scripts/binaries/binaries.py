"""Make small Windows binaries with import tables."""

import struct

SECTION = 0x1000
PLACE = 0x400


def portable(needs=(), delayed=(), machine=0x8664, version=(6, 0), *, wide=True):
    """Return a PE file that imports libraries, at once and when first used."""
    body = bytearray()

    def put(data):
        at = len(body)
        body.extend(data)
        return SECTION + at

    names = {name: put(name.encode() + b"\0") for name in (*needs, *delayed)}
    at_once = put(b"".join(struct.pack("<IIIII", 1, 0, 0, names[name], 1) for name in needs))
    put(bytes(20))
    later = put(b"".join(struct.pack("<8I", 1, names[name], *[0] * 6) for name in delayed))
    put(bytes(32))
    directories = [(0, 0)] * 16
    directories[1] = (at_once, 20 * (len(needs) + 1)) if needs else (0, 0)
    directories[13] = (later, 32 * (len(delayed) + 1)) if delayed else (0, 0)
    fixed = struct.pack("<H", 0x20B if wide else 0x10B).ljust(48, b"\0")
    fixed += struct.pack("<HH", *version)
    fixed = fixed.ljust((112 if wide else 96) - 4, b"\0") + struct.pack("<I", 16)
    optional = fixed + b"".join(struct.pack("<II", *one) for one in directories)
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    coff = struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 0x2002)
    section = b".idata\0\0" + struct.pack("<IIII", len(body), SECTION, len(body), PLACE)
    file = head + b"PE\0\0" + coff + optional + section.ljust(40, b"\0")
    return file.ljust(PLACE, b"\0") + bytes(body)
