"""How an ai-lens model lies in a Core ML specification: what writer, reader and checker must agree on.

The network takes one ``image`` (RGB, S x S) and gives ``embeddings`` float32[1, D] and ``logits``
float32[1, C]. Documents are user-defined metadata (see :mod:`lens_core.artifacts.metadata`), which apps can
read, too.
"""

from typing import Any

SUFFIX = ".mlpackage"
INPUT = "image"
OUTPUTS = ["embeddings", "logits"]
_RGB = 20
"""ImageFeatureType.ColorSpace.RGB of Core ML's FeatureTypes.proto."""
_FLOAT32 = 65568
"""ArrayFeatureType.ArrayDataType.FLOAT32 of the same file."""


def photo_size(description: Any) -> int:
    """Side of the photos that a ModelDescription asks for, in pixels.

    Raises ValueError, saying why, for the description of any other network than those of ai-lens.
    """
    inputs = {feature.name: feature.type for feature in description.input}
    if list(inputs) != [INPUT] or not inputs[INPUT].HasField("imageType"):
        raise ValueError(f"its inputs are not one image named '{INPUT}'")
    image = inputs[INPUT].imageType
    if image.colorSpace != _RGB or image.width != image.height:
        raise ValueError("its input is not a square RGB image")
    outputs = {feature.name: feature.type.multiArrayType for feature in description.output}
    if list(outputs) != OUTPUTS or any(output.dataType != _FLOAT32 for output in outputs.values()):
        raise ValueError(f"its outputs are not {' and '.join(OUTPUTS)} in float32")
    return int(image.width)
