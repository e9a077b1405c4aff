"""`from ai_lens_helper import Lens`: the SDK."""

from lens_core.runtime.lens import Lens
from lens_core.runtime.result import Prediction, Result

__all__ = ["Lens", "Prediction", "Result"]
