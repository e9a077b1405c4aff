"""The contract of an exporter: lens_core.contracts.Exporter, with Quantizer and SpecChecker."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from lens_core import plugins
from lens_core.contracts import Documents, Exporter, Pixels
from lens_core.errors import CannotRunHereError, ExportMismatchError
from lens_core.testing.asking import no_native_output, same_bytes
from lens_core.testing.opened import BATCHES, OpenedContract, photos

if TYPE_CHECKING:
    from lens_core.training.network import LensNet

KINDS = ("convolutions", "transformer")
DOCUMENTS: dict[str, bytes] = {
    "manifest.json": '{"장소": "전시 1관", "n": 1}\n'.encode(),
    "gallery.safetensors": bytes(range(256)) * 200,
    "empty": b"",
    "안내.txt": "한글 문서\r\n\0\x1a 끝".encode(),
}
OTHER_DOCUMENTS: dict[str, bytes] = {"manifest.json": b"{}", "certificate": b"\xff\x00"}
LEAST_COSINE = 0.9
"""Between the embeddings of an int8 network and those of the network it was made from, on average."""


class ExporterContract(OpenedContract):
    """Subclass it, set ``name``, and pytest does the rest.

    Tiny networks are converted, written, opened by the runtime that the suffix names, and asked. Where that
    runtime raises CannotRunHereError (E470), the exporter's own ``check_spec`` is asked instead.
    """

    family: ClassVar[str] = "exporter"

    def test_its_suffix_names_a_runtime(self) -> None:
        """The suffix of a file chooses the runtime that opens it.

        If this fails, check that suffix begins with a dot and that an installed distribution (usually the
        same) has an entry point in group ai_lens.runtimes named like the suffix without its dot.
        """
        suffix = self.make().suffix
        assert suffix.startswith(".")
        assert plugins.choose("runtime", suffix.removeprefix(".")).name == suffix.removeprefix(".")

    @pytest.mark.parametrize("count", BATCHES)
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_file_answers_as_the_network_does(self, kind: str, count: int) -> None:
        """Embeddings and logits of the file and of the PyTorch network differ by no more than tolerance.

        If this fails, check that the normalisation of pixels (mean and std) is in the file, that the network
        was converted in evaluation mode and at full precision, that outputs come as embeddings, logits, and
        that no batch size is fixed.
        """
        self._assert_agrees(kind, photos(count, self.photo_size()))

    def test_black_and_white_photos_are_answered_as_the_network_does(self) -> None:
        """The ends of the number range are where rounding and overflow show.

        If this fails, check that pixels are converted to float32 before anything is subtracted.
        """
        size = self.photo_size()
        extremes = np.stack([np.zeros((size, size, 3), np.uint8), np.full((size, size, 3), 255, np.uint8)])
        self._assert_agrees("convolutions", extremes)

    def test_documents_come_back_byte_for_byte(self) -> None:
        """They are the labels, thresholds and gallery: text, numbers, Korean, or nothing at all.

        If this fails, check that documents are kept as bytes (base64 where the format holds only text), that
        empty ones are kept, and that nothing else is among the runtime's documents.
        """
        self._assert_carries(self.artifact(), DOCUMENTS)

    def test_a_file_without_documents(self, tmp_path: Path) -> None:
        """Then the runtime's documents are empty.

        If this fails, check that nothing is added to the documents, and that none at all can be written.
        """
        path = self._written({}, tmp_path / "x")
        self._assert_carries(path, {})

    def test_writing_once_more_with_other_documents(self, tmp_path: Path) -> None:
        """ai-lens writes every export twice: to check it, and with its certificate.

        If this fails, check that write does not change the converted network: copy it before documents are
        put into it, and leave nothing of the first documents behind.
        """
        second = self._written(OTHER_DOCUMENTS, tmp_path / "second")
        first = self._written(DOCUMENTS, tmp_path / "first")
        self._assert_carries(second, OTHER_DOCUMENTS)
        self._assert_carries(first, DOCUMENTS)
        self._assert_agrees("convolutions", photos(3, self.photo_size()), second, OTHER_DOCUMENTS)

    def test_only_files_of_that_name_are_written(self, tmp_path: Path) -> None:
        """What the format needs besides lies next to the file, under the same stem.

        If this fails, check for temporary files left behind, and for weights or documents under other names.
        """
        path = self._written(DOCUMENTS, tmp_path)
        assert path.exists()
        strays = [other.name for other in tmp_path.iterdir() if not other.name.startswith(path.stem)]
        assert strays == []

    def test_neither_the_network_nor_the_example_is_changed(self, tmp_path: Path) -> None:
        """The checkpoint is compared with the export afterwards.

        If this fails, check for train(), half(), fuse() and the like on the module itself: work on
        copy.deepcopy(module).
        """
        import torch

        from lens_core.testing import networks

        net, example = networks.tiny("convolutions"), networks.example().fill_(7)
        before, wanted = copy.deepcopy(net.state_dict()), [p.requires_grad for p in net.parameters()]
        exporter = self.make()
        exporter.write(exporter.convert(net, example), {}, tmp_path / f"x{exporter.suffix}")
        assert example.eq(7).all()
        assert not any(module.training for module in net.modules()), "left in training mode"
        assert [p.requires_grad for p in net.parameters()] == wanted
        after = net.state_dict()
        assert list(after) == list(before)
        assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
        assert [t.dtype for t in after.values()] == [t.dtype for t in before.values()]

    def test_the_example_may_hold_several_photos(self, tmp_path: Path) -> None:
        """Whatever its size, the file takes any number of photos.

        If this fails, check that the batch dimension is declared dynamic rather than taken from the example.
        """
        from lens_core.testing import networks

        exporter = self.make()
        network = exporter.convert(networks.tiny("convolutions"), networks.example(4))
        path = tmp_path / f"x{exporter.suffix}"
        exporter.write(network, DOCUMENTS, path)
        for count in (1, 5):
            self._assert_agrees("convolutions", photos(count, self.photo_size()), path)

    def test_nothing_is_printed_to_stdout(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """stdout carries results and nothing else.

        If this fails, check the library's log level; what C++ prints, contextlib.redirect_stdout does not
        catch.
        """
        from lens_core.testing import networks

        exporter = self.make()
        capfd.readouterr()
        network = exporter.convert(networks.tiny("convolutions"), networks.example())
        exporter.write(network, DOCUMENTS, tmp_path / f"x{exporter.suffix}")
        no_native_output(capfd)

    # --- optional extras

    def test_its_own_check_accepts_what_it_wrote_and_nothing_else(self) -> None:
        """For exporters with check_spec: another network, normalisation or document is ExportMismatchError.

        If this fails, check that check_spec compares every weight and constant, and every document, and
        raises ExportMismatchError (E230). An exporter whose files run everywhere needs no check_spec.
        """
        from lens_core.testing import networks

        exporter = self.make()
        if not hasattr(exporter, "check_spec"):
            assert not self._cannot_run_here(), (
                "it needs a check_spec, as its files cannot run on this machine"
            )
            return
        path, net = self.artifact(), networks.tiny("convolutions")
        exporter.check_spec(net, DOCUMENTS, path)
        for what, other in networks.changed(net).items():
            with _noticed(what):
                exporter.check_spec(other, DOCUMENTS, path)
        with _noticed("other documents"):
            exporter.check_spec(net, OTHER_DOCUMENTS, path)

    def test_int8_stays_close_and_takes_any_number_of_photos(self, tmp_path: Path) -> None:
        """For exporters with quantize: the int8 network still sees much the same.

        If this fails, check that calibration sees the photos as the network does (uint8, not scaled twice),
        that weights are quantised per channel, and that the network's last layers stay in floating point.
        """
        exporter = self.make()
        if not hasattr(exporter, "quantize"):
            return
        images = photos(32, self.photo_size())
        before = images.copy()
        int8 = exporter.quantize(self._converted("convolutions"), images)
        np.testing.assert_array_equal(images, before)
        path = tmp_path / f"int8{exporter.suffix}"
        exporter.write(int8, DOCUMENTS, path)
        try:
            runtime = self.opened(path)
        except CannotRunHereError:
            return
        same_bytes(runtime.documents, DOCUMENTS)
        expected = _asked("convolutions", images)[0]
        for count in (1, 3, 32):
            embeddings, logits = runtime.run(images[:count])
            assert (len(embeddings), len(logits)) == (count, count)
            cosines = (embeddings * expected[:count]).sum(axis=1)
            assert cosines.mean() > LEAST_COSINE, (
                f"int8 embeddings have a mean cosine of {cosines.mean():.2f}"
            )

    def test_making_int8_leaves_the_full_precision_network_as_it_was(self, tmp_path: Path) -> None:
        """For exporters with quantize: both may be written.

        If this fails, check that quantize works on a copy of the converted network.
        """
        exporter = self.make()
        if not hasattr(exporter, "quantize"):
            return
        network = self._convert("convolutions")
        exporter.quantize(network, photos(8, self.photo_size()))
        path = tmp_path / f"x{exporter.suffix}"
        exporter.write(network, DOCUMENTS, path)
        self._assert_agrees("convolutions", photos(3, self.photo_size()), path)

    # --- helpers

    def product(self) -> Exporter:
        exporter: Exporter = self.once("product", self.make)
        return exporter

    def artifact(self) -> Path:
        return self._artifact("convolutions")

    def photo_size(self) -> int:
        from lens_core.testing import networks

        return networks.SIZE

    def _artifact(self, kind: str) -> Path:
        def write() -> Path:
            exporter: Exporter = self.make()
            path = self._factory.mktemp(kind) / f"모델 1{exporter.suffix}"
            exporter.write(self._converted(kind), DOCUMENTS, path)
            return path

        path: Path = self.once(("artifact", kind), write)
        return path

    def _converted(self, kind: str) -> Any:
        """The network in the exporter's own representation; made once, as conversion takes long."""
        return self.once(("converted", kind), lambda: self._convert(kind))

    def _convert(self, kind: str) -> Any:
        from lens_core.testing import networks

        return self.make().convert(networks.tiny(kind), networks.example())

    def _written(self, documents: Documents, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        exporter: Exporter = self.make()
        path = folder / f"export{exporter.suffix}"
        exporter.write(self._converted("convolutions"), documents, path)
        return path

    def _assert_agrees(
        self, kind: str, images: Pixels, path: Path | None = None, documents: Documents = DOCUMENTS
    ) -> None:
        """The file and the network give the same answers, or match as far as check_spec can tell."""
        path = path or self._artifact(kind)
        try:
            found = self.opened(path).run(images)
        except CannotRunHereError:
            self._check_spec(kind, documents, path)
            return
        for output, expected, what in zip(found, _asked(kind, images), ("embeddings", "logits"), strict=True):
            assert output.shape == expected.shape, f"{what} have shape {output.shape}, not {expected.shape}"
            np.testing.assert_allclose(output, expected, atol=self.tolerance, rtol=0, err_msg=what)

    def _assert_carries(self, path: Path, documents: Documents) -> None:
        try:
            found = self.opened(path).documents
        except CannotRunHereError:
            self._check_spec("convolutions", documents, path)
            return
        same_bytes(found, documents)

    def _check_spec(self, kind: str, documents: Documents, path: Path) -> None:
        from lens_core.testing import networks

        exporter: Any = self.make()
        assert hasattr(exporter, "check_spec"), (
            "its files cannot run on this machine, so it needs a check_spec (lens_core.contracts.SpecChecker)"
        )
        exporter.check_spec(networks.tiny(kind), documents, path)

    @pytest.fixture(autouse=True)
    def _own_folders(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self._factory = tmp_path_factory


@contextmanager
def _noticed(what: str) -> Iterator[None]:
    try:
        yield
    except ExportMismatchError:
        return
    raise AssertionError(f"check_spec did not notice {what}")


def _asked(kind: str, images: Pixels) -> tuple[Any, Any]:
    """The PyTorch network's own answers."""
    import torch

    from lens_core.testing import networks

    net: LensNet = networks.tiny(kind)
    with torch.inference_mode():
        embeddings, logits = net(torch.from_numpy(images))
    return embeddings.numpy(), logits.numpy()
