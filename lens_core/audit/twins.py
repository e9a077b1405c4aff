"""Pairs of items of one place that a model will confuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lens_core.audit.readiness import leads
from lens_core.audit.remarks import Remark
from lens_core.audit.seen import Seen

LEAST_SHARE = 0.15
"""Of both items' photos that are more like the twin than like their own item (benchmarks/audit)."""


def twins(seen: Seen) -> Iterator[Remark]:
    """A remark on every pair of twins, the closest first."""
    counts = Counter(seen.items.tolist())
    taken_for: Counter[tuple[int, int]] = Counter()
    for row, lead in enumerate(leads(seen.likeness)):
        if lead < 0:
            item, rival = int(seen.items[row]), int(seen.likeness.rival_item[row])
            taken_for[min(item, rival), max(item, rival)] += 1
    for (one, other), mistaken in taken_for.most_common():
        photos = counts[one] + counts[other]
        if mistaken >= LEAST_SHARE * photos and mistaken > 1:
            yield Remark(
                "warning",
                "twins",
                f"looks like {seen.name(other)}: {mistaken} of the {photos} photos of both are more like the "
                "other; photograph from close what tells the two apart",
                seen.name(one),
                seen.name(other),
            )
