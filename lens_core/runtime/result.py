"""The answer: what ``infer`` prints and ``Lens.infer`` returns."""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen

from lens_core.decision.rule import Reason


@frozen
class Prediction:
    """One item and its calibrated probability among the place's items."""

    item: str
    score: float
    description: str | None = None
    """What the museum says about it, where it was asked for and there is any."""

    def to_dict(self) -> dict[str, Any]:
        described = {} if self.description is None else {"description": self.description}
        return {"item": self.item, "score": round(self.score, 4), **described}


@frozen
class Result:
    """The answer to one photo. ``selected_item`` and ``confidence`` are set when it was accepted."""

    place: str
    predictions: tuple[Prediction, ...]
    """Most probable first."""
    decision: str
    """``accept`` or ``recollect``."""
    reason: Reason
    distance: float
    """Cosine distance to the nearest reference photo of the place (``d_top1``)."""
    selected_item: str | None = None
    confidence: float | None = None
    message: str | None = None
    hints: tuple[str, ...] = ()
    model_version: str = ""
    notes: tuple[str, ...] = ()
    """How the photo was read, where that may surprise: the first of several pictures in the file."""

    @property
    def accepted(self) -> bool:
        return self.decision == "accept"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the product's contract; fields that do not apply are left out."""
        answer: dict[str, Any] = {
            "place": self.place,
            "predictions": [prediction.to_dict() for prediction in self.predictions],
            "decision": self.decision,
        }
        if self.accepted:
            answer |= {"selected_item": self.selected_item, "confidence": round(self.confidence or 0.0, 4)}
        else:
            answer |= {"message": self.message, "hints": list(self.hints)}
        answer |= {
            "reason": str(self.reason),
            "distance": round(self.distance, 4),
            "model_version": self.model_version,
        }
        return answer | ({"notes": list(self.notes)} if self.notes else {})

    def to_json(self) -> str:
        """One line of UTF-8 JSON, Korean readable as such."""
        return json.dumps(self.to_dict(), ensure_ascii=False)
