"""What is particular to OpenVINO: two files that belong together, telemetry, precision, devices, int8."""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from ai_lens_openvino import layout
from ai_lens_openvino.library import openvino
from torch import nn

from lens_core import plugins
from lens_core.errors import BadSettingError, BrokenPluginError, DamagedArtifactError, ModelLoadError
from lens_core.testing import networks
from lens_core.testing.opened import photos
from lens_core.training.network import LensNet


@functools.cache
def converted(kind="convolutions"):
    return convert(kind)


def convert(kind="convolutions"):
    return plugins.make("exporter", "openvino", {}).convert(networks.tiny(kind), networks.example())


def write(network, path, documents=None):
    plugins.make("exporter", "openvino", {}).write(network, documents or {}, path)
    return path


def export(path, kind="convolutions", documents=None):
    return write(converted(kind), path, documents)


class Deep(networks.Convolutions):
    """Five convolutions: more than stay in full precision."""

    def __init__(self):
        super().__init__()
        for _ in range(3):
            self.insert(6, nn.Sequential(nn.Conv2d(self.dim, self.dim, 3, padding=1), nn.ReLU()))


@functools.cache
def deep():
    torch.manual_seed(0)
    net = LensNet(Deep(), networks.DIM, networks.CLASSES).eval()
    net.directions.copy_(nn.functional.normalize(torch.randn(networks.CLASSES, networks.DIM)))
    return net


@functools.cache
def quantized(kind="deep", int8="auto"):
    """None for ``int8``: in full precision."""
    exporter = plugins.make("exporter", "openvino", {"int8": int8 or "auto"})
    full = exporter.convert(deep(), networks.example()) if kind == "deep" else converted(kind)
    return exporter.quantize(full, photos(16, networks.SIZE)) if int8 else full


def open_runtime(path, **options):
    return plugins.make("runtime", "xml", options, path=path)


def setting(name, path, **options):
    """What OpenVINO says it has set."""
    return open_runtime(path, **options)._product._compiled.get_property(name)


def number_types(path):
    """Of every constant and conversion in the XML: ``f32``, ``i8`` ..."""
    data = list(ElementTree.parse(path).iter("data"))  # noqa: S314 # our own file
    return {entry.get(key) for entry in data for key in ("element_type", "destination_type")}


def bytes_of(path):
    return path.read_bytes(), path.with_suffix(".bin").read_bytes()


# --- two files


def test_an_export_is_two_files_of_one_name(tmp_path):
    export(tmp_path / "모델.xml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["모델.bin", "모델.xml"]


def test_the_last_line_names_the_weights_and_seals_the_xml(tmp_path):
    xml, weights = bytes_of(export(tmp_path / "x.xml"))
    line = xml.splitlines()[-1].decode()
    before = xml[: -len("0" * 64 + " -->\n")]
    assert line == (
        f"<!-- ai-lens weights:{len(weights)}:{hashlib.sha256(weights).hexdigest()} "
        f"sha256:{hashlib.sha256(before).hexdigest()} -->"
    )


def test_other_readers_accept_the_sealed_file(tmp_path):
    path = export(tmp_path / "x.xml", documents={"manifest.json": b"{}"})
    assert ElementTree.parse(path).getroot().tag == "net"  # noqa: S314 # our own file
    model = openvino().Core().read_model(path)
    assert [str(port.partial_shape) for port in model.inputs] == ["[?,32,32,3]"]
    assert [port.any_name for port in model.outputs] == ["embeddings", "logits"]


def test_without_its_weights_a_file_says_which_are_missing(tmp_path):
    path = export(tmp_path / "best.xml")
    path.with_suffix(".bin").unlink()
    with pytest.raises(DamagedArtifactError, match=r"E210.*best\.bin is missing.*Copy both files"):
        open_runtime(path)


def test_the_weights_of_another_export_are_refused(tmp_path):
    path, other = export(tmp_path / "best.xml"), export(tmp_path / "other.xml", "transformer")
    shutil.copy(other.with_suffix(".bin"), path.with_suffix(".bin"))
    with pytest.raises(
        DamagedArtifactError,
        match=r"best\.bin is damaged or not the one that belongs to best\.xml\. Copy both files",
    ):
        open_runtime(path)


def test_damaged_weights_are_refused(tmp_path):
    path = export(tmp_path / "best.xml")
    weights = bytearray(path.with_suffix(".bin").read_bytes())
    weights[-1] ^= 1
    path.with_suffix(".bin").write_bytes(weights)
    with pytest.raises(DamagedArtifactError, match=r"best\.bin is damaged"):
        open_runtime(path)


def test_line_ends_changed_on_the_way_are_damage(tmp_path):
    path = export(tmp_path / "best.xml")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(DamagedArtifactError, match=r"best\.xml is damaged or was not made by ai-lens"):
        open_runtime(path)


def test_an_openvino_model_of_somebody_else(tmp_path):
    image = openvino().opset13.parameter([1, 3], np.float32)
    model = openvino().Model([openvino().opset13.relu(image)], [image])
    openvino().save_model(model, tmp_path / "x.xml")
    with pytest.raises(DamagedArtifactError, match="was not made by ai-lens"):
        open_runtime(tmp_path / "x.xml")
    layout.seal(tmp_path / "x.xml")
    with pytest.raises(ModelLoadError, match="not one that ai-lens exported"):
        open_runtime(tmp_path / "x.xml")


def test_a_sealed_file_that_is_not_openvino(tmp_path):
    (tmp_path / "x.xml").write_bytes(b"<net>")
    (tmp_path / "x.bin").write_bytes(b"weights")
    layout.seal(tmp_path / "x.xml")
    with pytest.raises(ModelLoadError, match=r"E200.*x\.xml cannot be opened by OpenVINO"):
        open_runtime(tmp_path / "x.xml")


def test_a_document_that_is_not_base64(tmp_path):
    network = convert()
    network.set_rt_info("{}", ["ai_lens", "manifest.json"])
    with pytest.raises(ModelLoadError, match="holds a document that cannot be read"):
        open_runtime(write(network, tmp_path / "x.xml"))


@pytest.mark.parametrize("kind", networks.KINDS)
def test_the_same_network_makes_the_same_bytes(tmp_path, kind):
    first, second = (write(convert(kind), tmp_path / name) for name in ("a.xml", "b.xml"))
    assert bytes_of(first) == bytes_of(second)


# --- precision


def test_weights_are_written_in_full_precision(tmp_path):
    written = number_types(export(tmp_path / "x.xml"))
    assert "f32" in written
    assert "f16" not in written


def test_answers_are_computed_in_full_precision(tmp_path):
    path = export(tmp_path / "x.xml")
    assert setting("INFERENCE_PRECISION_HINT", path) == openvino().Type.f32


# --- int8


def test_int8_makes_smaller_weights(tmp_path):
    exporter = plugins.make("exporter", "openvino", {})
    full = write(exporter.convert(deep(), networks.example()), tmp_path / "full.xml")
    small = write(quantized(), tmp_path / "small.xml")
    assert small.with_suffix(".bin").stat().st_size < full.with_suffix(".bin").stat().st_size
    assert "i8" not in number_types(full)


def test_how_int8_works_is_chosen_by_where_the_weights_are_or_by_option():
    """Fixed ranges are FakeQuantize nodes; without them the numbers between layers are measured anew."""

    def ranges(network):
        return sum(node.get_type_name() == "FakeQuantize" for node in network.get_ordered_ops())

    assert ranges(quantized("deep")) > 0
    assert ranges(quantized("transformer")) == 0
    assert ranges(quantized("deep", int8="dynamic")) == 0
    assert ranges(quantized("transformer", int8="static")) > 0
    with pytest.raises(BadSettingError, match="int8"):
        plugins.make("exporter", "openvino", {"int8": "magic"})


@pytest.mark.parametrize("kind", ["deep", "transformer"])
def test_dynamic_int8_is_small_and_close_too(kind, tmp_path):
    images = photos(5, networks.SIZE)
    full = write(quantized(kind, None), tmp_path / "full.xml")
    small = write(quantized(kind, "dynamic"), tmp_path / "small.xml")
    assert small.with_suffix(".bin").stat().st_size < 0.5 * full.with_suffix(".bin").stat().st_size
    before, after = (open_runtime(path).run(images) for path in (full, small))
    assert (before[0] * after[0]).sum(axis=1).min() > 0.99
    assert np.abs(before[0] - after[0]).max() > 1e-5, "nothing was made int8"
    np.testing.assert_allclose(np.linalg.norm(after[0], axis=1), 1, atol=1e-6)


def test_the_first_convolutions_stay_in_full_precision(tmp_path):
    path = write(quantized(), tmp_path / "x.xml")
    layers = ElementTree.parse(path).iter("layer")  # noqa: S314 # our own file
    int8 = [
        one for one in layers if one.get("type") == "Const" and one.find("data").get("element_type") == "i8"
    ]
    assert len(int8) == 3  # two of five convolutions, and the embedding layer


@pytest.mark.parametrize("kind", ["deep", "transformer"])
def test_an_int8_embedding_has_exactly_length_one(tmp_path, kind):
    embeddings, _ = open_runtime(write(quantized(kind), tmp_path / "x.xml")).run(photos(5, networks.SIZE))
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)


def test_int8_logits_are_the_cosines_of_its_embeddings(tmp_path):
    embeddings, logits = open_runtime(write(quantized(), tmp_path / "x.xml")).run(photos(5, networks.SIZE))
    np.testing.assert_allclose(logits, embeddings @ deep().directions.numpy().T, atol=1e-5)


def test_int8_embeddings_stay_close(tmp_path):
    images = photos(5, networks.SIZE)
    embeddings, _ = open_runtime(write(quantized(), tmp_path / "x.xml")).run(images)
    with torch.inference_mode():
        expected = deep()(torch.from_numpy(images))[0].numpy()
    assert (embeddings * expected).sum(axis=1).min() > 0.98
    assert np.abs(embeddings - expected).max() > 1e-4, "nothing was made int8"


def test_making_int8_says_nothing(capfd, recwarn):
    network = converted()
    capfd.readouterr()
    plugins.make("exporter", "openvino", {}).quantize(network, photos(2, networks.SIZE))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


# --- life of its own


def test_exporting_says_nothing(tmp_path, capfd, recwarn):
    write(convert("transformer"), tmp_path / "x.xml")
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


class Unknown(nn.Module):
    def forward(self, images):
        values = images.flatten(1).float()
        return torch.linalg.eigvals(values.T @ values).real[None], values


def test_an_operation_that_openvino_does_not_have():
    exporter = plugins.make("exporter", "openvino", {})
    with pytest.raises(BrokenPluginError, match=r"cannot convert this network.*aten::linalg_eigvals"):
        exporter.convert(Unknown(), torch.zeros(1, 2, 2, 3, dtype=torch.uint8))


def run_alone(code, *arguments, **environment):
    outside_ci = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD")}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env=outside_ci | environment,
    )


def test_a_photo_can_be_answered_without_torch_and_nncf(tmp_path):
    path = export(tmp_path / "x.xml", documents={"manifest.json": b"{}"})
    code = (
        "import sys, pathlib, numpy as np\n"
        "from lens_core import plugins\n"
        "runtime = plugins.make('runtime', 'xml', {}, path=pathlib.Path(sys.argv[1]))\n"
        "print(runtime.run(np.zeros((3, 32, 32, 3), np.uint8))[1].shape, sorted(runtime.documents))\n"
        "print({'torch', 'nncf', 'ai_lens_openvino.exporter'} & set(sys.modules))\n"
    )
    done = run_alone(code, path)
    assert done.stdout == "(3, 5) ['manifest.json']\nset()\n"
    assert done.stderr == ""


def test_nothing_is_told_to_anybody(tmp_path):
    """The telemetry of OpenVINO and NNCF, unless stopped, writes who it is into the home first."""
    code = (
        "import sys, pathlib\n"
        "from lens_core import plugins\n"
        "from lens_core.testing import networks\n"
        "from lens_core.testing.opened import photos\n"
        "exporter = plugins.make('exporter', 'openvino', {})\n"
        "network = exporter.convert(networks.tiny('convolutions'), networks.example())\n"
        "network = exporter.quantize(network, photos(4, networks.SIZE))\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "exporter.write(network, {}, path)\n"
        "plugins.make('runtime', 'xml', {}, path=path).run(photos(1, networks.SIZE))\n"
        "print([name for name, module in sys.modules.items() if 'openvino_telemetry' in name and module])\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    done = run_alone(code, tmp_path / "x.xml", HOME=str(home), LOCALAPPDATA=str(home))
    assert done.stdout == "[]\n"
    assert [path.name for path in home.rglob("*") if path.name in ("intel", "Intel Corporation")] == []


def test_a_service_that_reloads_its_model_can_be_stopped(tmp_path):
    """When two of OpenVINO's Cores are gone, the next signal ends the process with a crash."""
    code = (
        "import os, pathlib, signal, sys\n"
        "from lens_core import plugins\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('stopped'))\n"
        "for _ in range(3):\n"
        "    runtime = plugins.make('runtime', 'xml', {}, path=pathlib.Path(sys.argv[1]))\n"
        "    del runtime\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    assert run_alone(code, export(tmp_path / "x.xml")).stdout == "stopped\n"


def test_a_device_that_is_not_there(tmp_path):
    path = export(tmp_path / "x.xml")
    with pytest.raises(BadSettingError, match=r"E600.*no device 'ABACUS'.*Use one of: .*CPU"):
        open_runtime(path, device="ABACUS")


def test_the_number_of_threads(tmp_path):
    path = export(tmp_path / "x.xml")
    assert setting("INFERENCE_NUM_THREADS", path, threads=1) == 1
    for wrong in (0, 99_999):  # so many would take all memory
        with pytest.raises(BadSettingError, match="cannot use its options"):
            open_runtime(path, threads=wrong)
