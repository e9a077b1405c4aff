"""What can be promised of photos nobody has seen yet, from so many that were tested.

A promise is an exact binomial bound (Clopper and Pearson, 1934). It holds for photos like those tested,
whatever their distribution, as long as the tested ones had no say in the numbers they test. Several T can
still be tried on them: from the strictest on, until the first that fails (fixed-sequence testing, as in
Angelopoulos et al., "Learn then Test", 2021).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import beta

from lens_core.artifacts.manifest import Bound
from lens_core.contracts import Rows
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.judged import Judged


def at_most(accepted: int, shots: int, confidence: float) -> float:
    """The largest share that could, with this confidence, lie behind so many accepted of so many tested."""
    return 1.0 if accepted >= shots else float(beta.ppf(confidence, accepted + 1, shots - accepted))


def shots_needed(max_false_accept: float, confidence: float) -> int:
    """The fewest photos that can support a promise, if none of them is accepted: 299 for 1 % at 95 %."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - max_false_accept))


def trials(judged: Judged, kind: str, seed: int) -> Rows:
    """One question of each shot of a kind, drawn at random: near-duplicates are no independent trials, nor
    is one photo asked in several places."""
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(judged.kind == kind))
    _, first = np.unique(judged.shot[rows], return_index=True)
    return np.sort(rows[first])


def bounds(answers: Answers, tested: dict[str, Rows], confidence: float) -> dict[str, Bound]:
    """Of each kind, from the answers to its trials."""
    found = {}
    for kind, rows in tested.items():
        accepted = int(answers.accepted[rows].sum())
        found[kind] = Bound(len(rows), accepted, at_most(accepted, len(rows), confidence))
    return found
