"""An export answers as its checkpoint does, or it is not written."""

import numpy as np
import onnx
import pytest

from lens_core.errors import BadSettingError, CannotWriteError, ExportMismatchError, LensError, ModelLoadError
from lens_core.training.export import export

LIAR = """
import torch
from lens_core import hookimpl, plugins

class Shifted(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
    def forward(self, images):
        embeddings, logits = self.net(images)
        return embeddings, logits + 0.01

class Liar:
    suffix = ".onnx"
    def export(self, module, example, documents, path):
        plugins.make("exporter", "onnx", {}).export(Shifted(module), example, documents, path)

@hookimpl
def make_exporter():
    return Liar()
"""


def test_the_export_lies_beside_the_checkpoint_unless_told_otherwise(run, tmp_path):
    ckpt = tmp_path / "전시 모형.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    assert export(ckpt, "onnx") == tmp_path / "전시 모형.onnx"
    assert export(ckpt, "onnx", tmp_path / "elsewhere" / "a.onnx") == tmp_path / "elsewhere" / "a.onnx"
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        "전시 모형.ckpt",
        "전시 모형.onnx",
        "a.onnx",
    }


@pytest.mark.parametrize("opset", [17, 18])
def test_the_file_is_valid_onnx_of_the_opset_asked_for(run, tmp_path, opset):
    path = export(run.checkpoint, "onnx", tmp_path / "a.onnx", {"opset": opset})
    model = onnx.load(path)
    onnx.checker.check_model(model)
    assert [entry.version for entry in model.opset_import if entry.domain == ""] == [opset]


def test_the_graph_takes_pixels_as_they_are_and_any_number_of_photos(onnx_model):
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx_model)
    (images,) = session.get_inputs()
    assert (images.type, images.shape[1:]) == ("tensor(uint8)", [64, 64, 3])
    for count in (1, 3):
        embeddings, logits = session.run(None, {images.name: np.zeros((count, 64, 64, 3), np.uint8)})
        assert embeddings.shape == (count, 32)
        assert logits.shape == (count, 6)
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


def test_an_export_that_answers_differently_is_not_written(run, install, tmp_path):
    install("ai-lens-liar", LIAR, "ai_lens.exporters", "liar")
    target = tmp_path / "out" / "a.onnx"
    with pytest.raises(ExportMismatchError) as refused:
        export(run.checkpoint, "liar", target)
    assert str(refused.value).startswith(
        "E230: The liar export's scores differ from the checkpoint's by 0.01 "
    )
    assert list(target.parent.iterdir()) == []


def test_a_bad_export_leaves_the_good_one_before_it(run, install, tmp_path):
    install("ai-lens-liar", LIAR, "ai_lens.exporters", "liar")
    target = export(run.checkpoint, "onnx", tmp_path / "out" / "a.onnx")
    before = target.read_bytes()
    with pytest.raises(ExportMismatchError):
        export(run.checkpoint, "liar", target)
    assert target.read_bytes() == before
    assert list(target.parent.iterdir()) == [target]


def test_the_same_checkpoint_makes_the_same_export(run, onnx_model, tmp_path):
    assert export(run.checkpoint, "onnx", tmp_path / "again.onnx").read_bytes() == onnx_model.read_bytes()


def test_a_suffix_that_another_runtime_would_open_is_refused(run, tmp_path):
    with pytest.raises(LensError, match=r"a\.pt must end in \.onnx"):
        export(run.checkpoint, "onnx", tmp_path / "a.pt")


def test_a_folder_that_cannot_be_written_is_found_out_before_the_work(run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CannotWriteError):
        export(run.checkpoint, "onnx", tmp_path / "file" / "a.onnx")


def test_an_export_cannot_be_exported_again(onnx_model, tmp_path):
    with pytest.raises(ModelLoadError):
        export(onnx_model, "onnx", tmp_path / "a.onnx")


def test_an_option_the_exporter_does_not_know_is_refused(run, tmp_path):
    with pytest.raises(
        BadSettingError, match=r"has no option 'opsett'\. Its options: opset\. Did you mean 'opset'"
    ):
        export(run.checkpoint, "onnx", tmp_path / "a.onnx", {"opsett": 17})
