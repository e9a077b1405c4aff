"""What is particular to ONNX: opset, seal, external data, options, and life without PyTorch."""

import subprocess
import sys

import onnx
import onnxruntime
import pytest
import torch
from ai_lens_onnx import layout
from onnx import TensorProto, helper
from torch import nn

from lens_core import plugins
from lens_core.artifacts import integrity
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    ExportMismatchError,
    ModelLoadError,
    NotInstalledError,
)


class Network(nn.Module):
    def __init__(self, operation=torch.relu):
        super().__init__()
        self.linear = nn.Linear(12, 4)
        self.operation = operation

    def forward(self, images):
        embeddings = self.operation(self.linear(images.flatten(1).float()))
        return embeddings, embeddings * 2


def export(path, options=None, network=None, documents=None):
    exporter = plugins.make("exporter", "onnx", options or {})
    example = torch.zeros(1, 2, 2, 3, dtype=torch.uint8)
    exporter.write(exporter.convert(network or Network(), example), documents or {}, path)
    return path


def open_runtime(path, **options):
    return plugins.make("runtime", "onnx", options, path=path)


def sealed(path, model):
    path.write_bytes(layout.seal(model.SerializeToString()))
    return path


@pytest.mark.parametrize("opset", [13, 17, 20])
def test_the_file_has_the_opset_asked_for(tmp_path, opset):
    model = onnx.load(export(tmp_path / "x.onnx", {"opset": opset}))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]


def test_opset_17_unless_asked(tmp_path):
    assert onnx.load(export(tmp_path / "x.onnx")).opset_import[0].version == 17


@pytest.mark.parametrize("opset", [12, 21, "new"])
def test_an_opset_out_of_range(tmp_path, opset):
    with pytest.raises(BadSettingError, match=r"E600.*cannot use its options"):
        export(tmp_path / "x.onnx", {"opset": opset})


def test_another_opset_than_asked_for_is_not_passed_on(tmp_path, monkeypatch):
    write = torch.onnx.export
    monkeypatch.setattr(torch.onnx, "export", lambda *args, **kw: write(*args, **{**kw, "opset_version": 18}))
    with pytest.raises(ExportMismatchError, match=r"E230.*asked for opset 17 but ai\.onnx 18 was written"):
        export(tmp_path / "x.onnx")


def test_an_operation_that_onnx_does_not_have(tmp_path):
    network = Network(lambda x: torch.linalg.eigvals(x.T @ x).real[None])
    with pytest.raises(BrokenPluginError, match=r"cannot be written as ONNX opset 17.*linalg_eigvals"):
        export(tmp_path / "x.onnx", network=network)


def test_exporting_says_nothing(tmp_path, capfd, recwarn):
    export(tmp_path / "x.onnx")
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_other_readers_of_onnx_accept_the_sealed_file(tmp_path):
    model = onnx.load(export(tmp_path / "x.onnx", documents={"manifest.json": b"{}"}))
    onnx.checker.check_model(model, full_check=True)
    assert [entry.key for entry in model.metadata_props] == ["ai_lens.manifest.json", "ai_lens_sha256"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_photo_can_be_answered_without_torch_and_onnx(tmp_path):
    path = export(tmp_path / "x.onnx", documents={"manifest.json": b"{}"})
    code = (
        "import sys, pathlib, numpy as np\n"
        "from lens_core import plugins\n"
        "runtime = plugins.make('runtime', 'onnx', {}, path=pathlib.Path(sys.argv[1]))\n"
        "print(runtime.run(np.zeros((3, 2, 2, 3), np.uint8))[1].shape, sorted(runtime.documents))\n"
        "print({'torch', 'onnx', 'timm', 'ai_lens_onnx.exporter'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "(3, 4) ['manifest.json']\nset()\n"
    assert done.stderr == ""


def test_importing_the_plugin_is_cheap():
    code = (
        "import sys, ai_lens_onnx.exporter, ai_lens_onnx.mobile\n"
        "import ai_lens_onnx.runtime, ai_lens_onnx.ort_runtime\n"
        "print({'torch', 'onnx', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("name", ["onnx", "ort-mobile"])
@pytest.mark.parametrize("library", ["torch", "onnx"])
def test_exporting_where_only_the_runtime_is_installed(monkeypatch, library, name):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setattr("ai_lens_onnx.exporter.find_spec", lambda name: None if name == library else object())
    with pytest.raises(
        NotInstalledError, match=rf"E410.*'{name}' needs '{library}'.*pip install \"ai-lens-onnx\[export\]\""
    ):
        plugins.make("exporter", name, {})


def test_weights_in_another_file_are_not_followed(tmp_path):
    model = onnx.load(export(tmp_path / "x.onnx"))
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(ModelLoadError, match=r"E200.*keeps its weights in other files"):
        open_runtime(sealed(tmp_path / "y.onnx", model))


@pytest.mark.parametrize(
    "padded",
    [b"\x72\x17\x0a\x88\x80\x00location", b"\x72\x17\x8a\x80\x00\x08location"],
    ids=["its length", "its field's number"],
)
def test_a_disguised_external_file_is_not_followed(tmp_path, padded):
    model = onnx.load(export(tmp_path / "x.onnx"))
    model.metadata_props.add(key="location", value="elsewhere")
    content = model.SerializeToString()
    plain = b"\x72\x15\x0a\x08location"
    assert plain in content
    disguised = content.replace(plain, padded)
    assert onnx.load_from_string(disguised) == model
    (tmp_path / "y.onnx").write_bytes(integrity.seal(disguised))
    with pytest.raises(ModelLoadError, match="keeps its weights in other files"):
        open_runtime(tmp_path / "y.onnx")


def test_a_sealed_file_that_is_not_onnx(tmp_path):
    (tmp_path / "x.onnx").write_bytes(integrity.seal(b"PK\x03\x04 something else"))
    with pytest.raises(ModelLoadError, match=r"E200.*x\.onnx cannot be opened by ONNX Runtime"):
        open_runtime(tmp_path / "x.onnx")


def test_an_onnx_model_of_somebody_else(tmp_path):
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value[0]], [value[1]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(ModelLoadError, match="not one that ai-lens exported"):
        open_runtime(sealed(tmp_path / "x.onnx", model))


def test_a_document_that_is_not_base64(tmp_path):
    model = onnx.load(export(tmp_path / "x.onnx"))
    del model.metadata_props[:]
    model.metadata_props.add(key="ai_lens.manifest.json", value="{}")
    with pytest.raises(ModelLoadError, match="holds a document that cannot be read"):
        open_runtime(sealed(tmp_path / "y.onnx", model))


def test_the_number_of_threads(tmp_path):
    runtime = open_runtime(export(tmp_path / "x.onnx"), threads=1)
    assert runtime._session.get_session_options().intra_op_num_threads == 1
    for wrong in (0, 99_999):  # so many would take all memory
        with pytest.raises(BadSettingError, match="cannot use its options"):
            open_runtime(tmp_path / "x.onnx", threads=wrong)


def test_a_document_of_any_name_comes_back(tmp_path):
    documents = {"sha256": b"not the seal", "_sha256": b"nor this", "": b"nameless"}
    assert open_runtime(export(tmp_path / "x.onnx", documents=documents)).documents == documents


def test_a_newer_opset_than_onnx_runtime_knows(tmp_path):
    model = onnx.load(export(tmp_path / "x.onnx"))
    model.opset_import[0].version = 99
    with pytest.raises(ModelLoadError, match=r"E200.*[Oo]pset 99.*ONNX Runtime here \([\d.]+\) is not older"):
        open_runtime(sealed(tmp_path / "y.onnx", model))


def test_a_provider_that_this_build_does_not_have(tmp_path):
    export(tmp_path / "x.onnx")
    with pytest.raises(BadSettingError, match=r"E600.*has no QNNExecutionProvider; it has .*CPUExecution"):
        open_runtime(tmp_path / "x.onnx", providers=["QNNExecutionProvider"])


@pytest.mark.parametrize("providers", [[], "CPUExecutionProvider", ["xnnpack"]])
def test_providers_are_a_list_of_full_names(tmp_path, providers):
    with pytest.raises(BadSettingError, match=r"E600.*list of names such as \[CPUExecutionProvider\]"):
        open_runtime(export(tmp_path / "x.onnx"), providers=providers)


def test_the_providers_asked_for_are_used(tmp_path):
    available = onnxruntime.get_available_providers()
    runtime = open_runtime(export(tmp_path / "x.onnx"), providers=available)
    assert runtime._session.get_providers() == available
