"""What is particular to .ort files: the format, the seal behind it, and what they are optimised for."""

import hashlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import pytest
from torch import nn

from lens_core import plugins
from lens_core.artifacts import integrity
from lens_core.errors import BadSettingError, ModelLoadError
from lens_core.testing import networks
from lens_core.testing.opened import photos

DOCUMENTS = {"manifest.json": b"{}", "sha256": b"not the seal"}


def export(path, options=None, kind="convolutions", int8=False, exporter="ort-mobile", network=None):
    exporter = plugins.make("exporter", exporter, options or {})
    network = exporter.convert(network or networks.tiny(kind), networks.example())
    if int8:
        network = exporter.quantize(network, photos(8, networks.SIZE))
    exporter.write(network, DOCUMENTS, path)
    return path


def open_runtime(path, **options):
    return plugins.make("runtime", path.suffix[1:], options, path=path)


def test_it_is_the_ort_format_followed_by_its_seal(tmp_path):
    content = export(tmp_path / "x.ort").read_bytes()
    assert content[4:8] == b"ORTM"
    assert content[-64:].decode() == hashlib.sha256(content[:-64]).hexdigest()


def test_an_app_finds_the_documents_in_the_metadata(tmp_path):
    session = onnxruntime.InferenceSession(export(tmp_path / "x.ort").read_bytes())
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata == {"ai_lens.manifest.json": "e30=", "ai_lens.sha256": "bm90IHRoZSBzZWFs"}
    assert open_runtime(tmp_path / "x.ort").documents == DOCUMENTS


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("target", ["cpu", "accelerator"])
@pytest.mark.parametrize("kind", networks.KINDS)
def test_it_answers_as_the_onnx_file_does(tmp_path, kind, target, int8):
    images = photos(3, networks.SIZE)
    expected = open_runtime(export(tmp_path / "x.onnx", kind=kind, int8=int8, exporter="onnx")).run(images)
    found = open_runtime(export(tmp_path / "x.ort", {"target": target}, kind, int8)).run(images)
    for output, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(output, other, atol=0.02 if int8 else 1e-5)


class Wide(nn.Sequential):
    """Convolutions of so many channels that ONNX Runtime would rearrange them on x86, were it not told."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, images):
        features = super().forward(images.permute(0, 3, 1, 2).float())
        return features, features * 2


@pytest.mark.parametrize("target", ["cpu", "accelerator"])
def test_no_memory_layout_that_only_x86_has(tmp_path, target):
    content = export(tmp_path / "x.ort", {"target": target}, network=Wide()).read_bytes()
    assert b"Conv" in content
    assert b"ReorderOutput" not in content


def test_for_the_cpu_int8_operators_are_fused_beforehand_and_for_accelerators_they_are_not(tmp_path):
    cpu = export(tmp_path / "cpu.ort", int8=True, kind="convolutions")
    accelerator = export(tmp_path / "accelerator.ort", {"target": "accelerator"}, int8=True)
    assert cpu.read_bytes().count(b"DequantizeLinear") < accelerator.read_bytes().count(b"DequantizeLinear")


def test_no_other_target(tmp_path):
    with pytest.raises(BadSettingError, match=r"E600.*target"):
        export(tmp_path / "x.ort", {"target": "gpu"})


def test_it_leaves_nothing_behind(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    export(tmp_path / "x.ort")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["x.ort"]


@pytest.mark.parametrize(("written", "opened"), [("onnx", "ort"), ("ort", "onnx")])
def test_a_file_of_the_other_format_is_refused(tmp_path, written, opened):
    """So that an ONNX file with external data cannot come in as .ort."""
    path = export(tmp_path / f"x.{written}", exporter={"onnx": "onnx", "ort": "ort-mobile"}[written])
    renamed = path.rename(tmp_path / f"y.{opened}")
    with pytest.raises(ModelLoadError, match=rf"E200.*y\.{opened} cannot be opened by ONNX Runtime"):
        open_runtime(renamed)


def test_an_onnx_model_with_external_data_named_ort_is_refused(tmp_path):
    model = plugins.make("exporter", "onnx", {}).convert(networks.tiny("convolutions"), networks.example())
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    (tmp_path / "x.ort").write_bytes(integrity.seal(model.SerializeToString()))
    with pytest.raises(ModelLoadError, match=r"E200.*x\.ort cannot be opened"):
        open_runtime(tmp_path / "x.ort")


def test_an_ort_model_of_somebody_else(tmp_path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "other.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    values = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (tmp_path / "x.ort").write_bytes(integrity.seal((tmp_path / "other.ort").read_bytes()))
    with pytest.raises(ModelLoadError, match="not one that ai-lens exported"):
        open_runtime(tmp_path / "x.ort")


def test_the_options_of_the_runtime_are_those_of_onnx(tmp_path):
    path = export(tmp_path / "x.ort")
    assert open_runtime(path, threads=1)._session.get_session_options().intra_op_num_threads == 1
    with pytest.raises(BadSettingError, match="has no XnnpackExecutionProvider; it has"):
        open_runtime(path, providers=["XnnpackExecutionProvider", "CPUExecutionProvider"])


def test_a_photo_can_be_answered_without_torch_and_onnx(tmp_path):
    path = export(tmp_path / "x.ort")
    code = (
        "import sys, pathlib, numpy as np\n"
        "from lens_core import plugins\n"
        "runtime = plugins.make('runtime', 'ort', {}, path=pathlib.Path(sys.argv[1]))\n"
        "print(runtime.run(np.zeros((3, 32, 32, 3), np.uint8))[1].shape)\n"
        "print({'torch', 'onnx', 'timm', 'ai_lens_onnx.exporter'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "(3, 5)\nset()\n"
    assert done.stderr == ""
