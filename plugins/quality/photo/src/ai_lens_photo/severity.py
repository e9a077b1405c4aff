"""How bad a measured figure is."""


def severity(measured: float, noticeable: float, worst: float) -> float:
    """0 at ``noticeable`` .. 1 at ``worst`` and beyond, whichever of the two is the larger number."""
    return min(abs(measured - noticeable) / max(abs(worst - noticeable), 1e-6), 1.0)
