"""int8 for convolution networks: ranges found on photos, once and for all."""

from __future__ import annotations

import itertools
from pathlib import Path

from ai_lens_onnx import layout
from lens_core.contracts import Pixels

MOST_PHOTOS = 32
"""Photos to calibrate on; 100 take three times as long and are hardly better (README, *int8*)."""
PERCENTILE = 99.99
"""Share of an activation's values that its range must hold: rare extremes cost all others precision."""
FLOAT_FIRST = 3
"""Convolutions at the beginning that stay float32: with few channels and many pixels, int8 costs most there
and is slower. Single ones elsewhere cannot be spared: ONNX Runtime makes a float convolution between int8
ones int8 after all, with one scale for all its channels (its WeightBiasQuantization)."""


def quantize(source: Path, target: Path, images: Pixels) -> None:
    """Write an int8 version of ``source``: uint8 activations, int8 weights per channel.

    What is not named here stays float: normalisation of pixels, L2 normalisation and class scores.
    """
    import onnx
    from onnxruntime.quantization import (  # type: ignore[import-untyped]
        CalibrationMethod,
        QuantType,
        quantize_static,
    )

    convolutions = (node.name for node in onnx.load(source).graph.node if node.op_type == "Conv")
    quantize_static(
        source,
        target,
        _Photos(images[:MOST_PHOTOS]),
        op_types_to_quantize=["Conv", "Gemm", "Relu", "Clip"],
        nodes_to_exclude=list(itertools.islice(convolutions, FLOAT_FIRST)),
        per_channel=True,
        activation_type=QuantType.QUInt8,  # int8 took twice as long on x86
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={
            "CalibPercentile": PERCENTILE,
            "CalibTensorRangeSymmetric": False,  # the library's default wastes half the range after a ReLU
            "CalibStridedMinMax": 1,  # one photo's activations in memory at a time
            "OpTypesToExcludeOutputQuantization": ["Gemm"],
        },
    )


class _Photos:
    """Photos one by one, as the calibrator asks for them (its CalibrationDataReader)."""

    def __init__(self, images: Pixels) -> None:
        self._images = images
        self.set_range(0, len(images))

    def __len__(self) -> int:
        return len(self._images)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._rows = iter(range(start_index, end_index))

    def get_next(self) -> dict[str, Pixels] | None:
        row = next(self._rows, None)
        return None if row is None else {layout.INPUT: self._images[row : row + 1]}
