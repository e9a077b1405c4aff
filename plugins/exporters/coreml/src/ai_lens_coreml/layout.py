"""How an ai-lens model lies in a Core ML specification: what writer, reader and checker must agree on.

The network takes one ``image`` (RGB, S x S) and gives ``embeddings`` float32[1, D] and ``logits``
float32[1, C]. Documents are user-defined metadata ``ai_lens.<name>`` in base64, which apps can read, too.
"""

import base64
from collections.abc import Mapping
from typing import Any

from lens_core.contracts import Documents

SUFFIX = ".mlpackage"
INPUT = "image"
OUTPUTS = ["embeddings", "logits"]
_PREFIX = "ai_lens."
_RGB = 20
"""ImageFeatureType.ColorSpace.RGB of Core ML's FeatureTypes.proto."""
_FLOAT32 = 65568
"""ArrayFeatureType.ArrayDataType.FLOAT32 of the same file."""


def to_metadata(documents: Documents) -> dict[str, str]:
    return {_PREFIX + name: base64.b64encode(content).decode() for name, content in documents.items()}


def to_documents(metadata: Mapping[str, str]) -> dict[str, bytes]:
    """The documents among a model's metadata. Raises ValueError where one is not base64."""
    names = [key for key in metadata if key.startswith(_PREFIX)]
    return {key.removeprefix(_PREFIX): base64.b64decode(metadata[key], validate=True) for key in names}


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
