"""Colour profiles (ICC.1:2022) written byte by byte, and what their colours are in sRGB by arithmetic."""

import struct

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
# CSS Color 4, section 10: linear Display P3 to linear sRGB.
P3_TO_SRGB = [[1.2249402, -0.2249402, 0], [-0.0420570, 1.0420570, 0], [-0.0196376, -0.0786361, 1.0982735]]
# Lindbloom: XYZ of D50 to linear sRGB, Bradford-adapted.
XYZ_TO_SRGB = [
    [3.1338561, -1.6168667, -0.4906146],
    [-0.9787684, 1.9161415, 0.0334540],
    [0.0719453, -0.2289914, 1.4052427],
]
# Lab of full inks on paper, by (C, M, Y); black ink makes anything black.
INKS = {
    (0, 0, 0): (100, 0, 0),
    (1, 0, 0): (62, -20, -30),
    (0, 1, 0): (52, 60, -5),
    (0, 0, 1): (89, -5, 75),
    (0, 1, 1): (50, 60, 40),
    (1, 0, 1): (55, -45, 30),
    (1, 1, 0): (30, 20, -45),
    (1, 1, 1): (25, 0, 0),
}


def display_p3():
    """The profile of a phone's photos: wide primaries, the tone curve of sRGB."""
    curve = (
        b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    )
    colourants = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
        b"wtpt": D50,
    }
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*xyz) for name, xyz in colourants.items()}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def grey_gamma(gamma):
    """Greys whose light is value ** gamma."""
    curve = b"para\0\0\0\0" + struct.pack(">HH", 0, 0) + _fixed(gamma)
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": b"XYZ \0\0\0\0" + _fixed(*D50), b"kTRC": curve})


def press():
    """Four inks that mix as ``INKS`` says, with a look-up table of two steps an ink."""
    same = bytes(range(256))
    corners = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    labs = [(0, 0, 0) if k else INKS[c, m, y] for c, m, y, k in corners]
    table = b"".join(bytes([round(L * 2.55), a + 128, b + 128]) for L, a, b in labs)
    unit = _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + unit + same * 4 + table + same * 3
    white = b"XYZ \0\0\0\0" + _fixed(*D50)
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut, b"wtpt": white}, version=2)


def p3_in_srgb(colour):
    """uint8 Display P3 -> uint8 sRGB, what does not fit cut off."""
    value = np.asarray(colour) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return _srgb(P3_TO_SRGB @ light)


def lab_in_srgb(lab):
    """CIE Lab (D50) -> uint8 sRGB."""
    middle = (lab[0] + 16) / 116
    f = np.array([middle + lab[1] / 500, middle, middle - lab[2] / 200])
    return _srgb(XYZ_TO_SRGB @ (np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * D50))


def grey_in_srgb(value, gamma):
    """uint8 of a ``grey_gamma`` -> uint8 sRGB."""
    return _srgb(np.full(3, (value / 255) ** gamma))


def _srgb(light):
    light = np.clip(light, 0, 1)
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (value * 255).round().astype(int).tolist()


def _fixed(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def _profile(kind, space, connection, tags, version=4):
    table, content, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(content), len(data))
        content += padded
    header = bytes(4) + struct.pack(">I", version << 24) + kind + space + connection
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(*D50) + bytes(48)
    return struct.pack(">I", start + len(content)) + header + struct.pack(">I", len(tags)) + table + content
