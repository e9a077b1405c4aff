"""Does a plugin keep its contract? One test class per family, for the authors of plugins.

::

    from lens_core.testing import IndexContract

    class TestMine(IndexContract):
        name = "mine"

Needs ``pip install "ai-lens-helper[testing]"``. Everything is loaded through the installed entry point, as
users load it. A test that a library cannot pass may be marked, never left out::

    @pytest.mark.xfail(reason="the library rounds to 8 bits")
    def test_distances_are_one_minus_cosine(self): ...
"""

from pathlib import Path

import pytest

# Before they are imported: a failed assertion then shows both of its sides.
pytest.register_assert_rewrite(
    *(f"{__name__}.{file.stem}" for file in Path(__file__).parent.glob("[a-z]*.py"))
)

from lens_core.testing.backbone import BackboneContract  # noqa: E402
from lens_core.testing.base import Contract  # noqa: E402
from lens_core.testing.exporter import ExporterContract  # noqa: E402
from lens_core.testing.index import IndexContract  # noqa: E402
from lens_core.testing.loss import LossContract  # noqa: E402
from lens_core.testing.quality import QualityContract  # noqa: E402
from lens_core.testing.runtime import RuntimeContract  # noqa: E402
from lens_core.testing.tracker import TrackerContract  # noqa: E402

__all__ = [
    "CONTRACTS",
    "BackboneContract",
    "Contract",
    "ExporterContract",
    "IndexContract",
    "LossContract",
    "QualityContract",
    "RuntimeContract",
    "TrackerContract",
]

CONTRACTS: dict[str, type[Contract]] = {
    "backbone": BackboneContract,
    "loss": LossContract,
    "index": IndexContract,
    "exporter": ExporterContract,
    "runtime": RuntimeContract,
    "quality": QualityContract,
    "tracker": TrackerContract,
}
