"""Is a written package the network it was made from? Asked where Core ML cannot be.

Three things are compared: the documents; every weight matrix of the network with those in the package; and
what the network and the package's program, worked out operator by operator, make of the same pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from coremltools.proto import Model_pb2  # type: ignore[import-untyped]
from torch import Tensor, nn

from ai_lens_coreml import evaluating, layout, package
from lens_core.artifacts.metadata import to_documents
from lens_core.contracts import Documents
from lens_core.errors import ExportMismatchError

TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2}
"""Largest difference of an embedding's number or a logit, by the precision of the program."""
ROUNDING = {torch.float32: 1e-5, torch.float16: 2e-3}
"""Largest difference of a weight, as a share of its row's length."""


def check(network: nn.Module, documents: Documents, path: Path) -> None:
    """Raises ExportMismatchError (E230) naming what differs; the package has passed its seal."""
    specification = Model_pb2.Model.FromString(package.read(path))
    try:
        size = layout.photo_size(specification.description)
        carried = to_documents(specification.description.metadata.userDefined)
    except ValueError as error:
        raise ExportMismatchError(f"The export is not what ai-lens opens: {error}.") from error
    _check_documents(documents, carried)
    main = evaluating.program(specification, str(path / package.WEIGHTS))
    precision = evaluating.precision(main)
    _check_weights(network, evaluating.constants(main), precision)
    for picture in _pictures(size):
        _check_answers(network, evaluating.answer(main, _as_image(picture)), picture, TOLERANCE[precision])


def _check_documents(expected: Documents, found: Documents) -> None:
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            raise ExportMismatchError(f"The export did not keep its document '{name}'.")


def _check_weights(network: nn.Module, constants: list[Tensor], precision: torch.dtype) -> None:
    """Every weight matrix must be among the constants.

    A BatchNorm that follows is multiplied into it row by row, so rows are compared by direction; how long
    they should be, and whatever is no matrix or has been merged into another, shows in the answers.
    """
    for name, weight in network.state_dict().items():
        if weight.ndim < 2 or not weight.is_floating_point():
            continue
        alike = [constant for constant in constants if constant.shape == weight.shape]
        if alike and not any(_same_directions(constant, weight, precision) for constant in alike):
            raise ExportMismatchError(f"The export does not hold the network's weights '{name}'.")


def _same_directions(written: Tensor, weight: Tensor, precision: torch.dtype) -> bool:
    """Whether each row of ``written`` points where that row of ``weight`` does, or the opposite way.

    A row of zeros, which a BatchNorm has switched off, points anywhere.
    """
    rows, wanted = written.flatten(1), nn.functional.normalize(weight.detach().flatten(1))
    lengths = rows.norm(dim=1, keepdim=True)
    directions = torch.where(lengths > 0, rows / lengths, 0)
    signs = (directions * wanted).sum(dim=1, keepdim=True).sign()
    numbers = torch.finfo(precision)
    allowed = ROUNDING[precision] + numbers.smallest_normal * numbers.eps / lengths
    return bool(((directions - signs * wanted).abs() <= allowed).all())


def _check_answers(
    network: nn.Module, found: tuple[Tensor, Tensor], picture: Tensor, tolerance: float
) -> None:
    with torch.inference_mode():
        expected = network(picture)
    for name, output, wanted in zip(layout.OUTPUTS, found, expected, strict=True):
        if output.shape != wanted.shape:
            raise ExportMismatchError(
                f"The export's {name} have shape {list(output.shape)}, not {list(wanted.shape)}."
            )
        difference = float((output - wanted).abs().max())
        if not difference <= tolerance:  # also catches numbers that are none
            raise ExportMismatchError(
                f"The export's arithmetic differs: its {name} are off by {difference:.2g} "
                f"({tolerance:g} is allowed)."
            )


def _pictures(size: int) -> Iterator[Tensor]:
    """Two made-up pictures uint8[1, S, S, 3], the same every time: patches of colour, and noise."""
    random = torch.Generator().manual_seed(0)
    for detail in (4, size):
        coarse = torch.rand(1, 3, detail, detail, generator=random)
        picture = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
        yield (picture * 255).byte().permute(0, 2, 3, 1).contiguous()


def _as_image(picture: Tensor) -> Tensor:
    return picture.permute(0, 3, 1, 2).float()
