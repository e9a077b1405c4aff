"""Settings and figures as MLflow takes them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH, MAX_PARAM_VAL_LENGTH


def params(settings: Mapping[str, Any]) -> list[Param]:
    """Each setting as a settings file would say it (``null``, ``true``), cut to the length MLflow keeps."""
    return [Param(_name(key), _value(value)) for key, value in settings.items()]


def metrics(figures: Mapping[str, float], step: int) -> list[Metric]:
    """Each figure at this pass, now."""
    now = int(1000 * time.time())
    return [Metric(_name(name), value, now, step) for name, value in figures.items()]


def _name(name: str) -> str:
    """MLflow refuses brackets and the like, and names that would be another path: ``a//b``, ``a/../b``."""
    parts = (re.sub(r"[^\w.\- :]", "_", part) for part in name[:MAX_ENTITY_KEY_LENGTH].split("/"))
    return "/".join(part if part.strip(".") else "_" for part in parts)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:MAX_PARAM_VAL_LENGTH]
