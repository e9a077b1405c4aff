"""Finding the calibration under which held-out photos surprise least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from lens_core.artifacts.manifest import Calibration
from lens_core.decision.calibration import probabilities
from lens_core.decision.scores import Numbers
from lens_core.evaluation.asked import EXHIBIT, UNKNOWN, Asked

USUAL = Calibration(scale=14.0, none=0.4)
"""About what calibration finds for every backbone tried; used as it is where there is nothing to fit on."""


def can_calibrate(asked: Sequence[Asked]) -> bool:
    """Whether there are photos of exhibits, and some to be refused."""
    kinds = {part.questions.kind for part in asked if len(part.questions.photos)}
    return EXHIBIT in kinds and len(kinds) > 1


def fit_calibration(asked: Sequence[Asked]) -> Calibration:
    """The scale and the "none" constant with the least mean surprise.

    The surprise of an exhibit's photo is the log loss of its item, of an unknown photo that of "none of
    these". Exhibits weigh as much as all unknowns together, each kind of unknown the same.
    """
    parts = [part for part in asked if len(part.questions.photos)]
    unknown_kinds = {part.questions.kind for part in parts} - {EXHIBIT}

    def surprise(parameters: tuple[float, float]) -> float:
        losses: dict[str, list[Numbers]] = {}
        for part in parts:
            losses.setdefault(part.questions.kind, []).append(_surprise(part, Calibration(*parameters)))
        means = {kind: float(np.concatenate(of_kind).mean()) for kind, of_kind in losses.items()}
        unknown = np.mean([means[kind] for kind in unknown_kinds])
        # Photos that separate perfectly would drive the scale to infinity; this holds it near the usual.
        restraint = 0.05 * np.log(parameters[0] / USUAL.scale) ** 2
        return float(means[EXHIBIT] + unknown + restraint)

    start, options = (USUAL.scale, USUAL.none), {"xatol": 1e-3, "fatol": 1e-4}
    bounds = ((1.0, 100.0), (-1.0, 1.0))
    found = minimize(surprise, x0=start, method="Nelder-Mead", bounds=bounds, options=options)
    scale, none = found.x
    return Calibration(float(scale), float(none))


def _surprise(part: Asked, calibration: Calibration) -> Numbers:
    probs = probabilities(part.cosines, calibration).astype(np.float64)
    truth = part.truth
    of_truth = probs[np.arange(len(probs)), truth]
    likelihood: Numbers = np.where(truth != UNKNOWN, of_truth, 1 - probs.sum(axis=1)).clip(1e-9)
    return -np.log(likelihood)
