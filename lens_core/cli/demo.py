"""``ai-lens demo``."""

from __future__ import annotations


def demo() -> None:
    """Render a small exhibition, train on it and answer three photos."""
