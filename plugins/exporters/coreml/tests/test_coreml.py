"""What is particular to Core ML: the sealed folder, what its check notices, and precision."""

import base64
import copy
import hashlib
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ai_lens_coreml import package
from torch import nn

from lens_core import plugins
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    CannotDoError,
    CannotRunHereError,
    DamagedArtifactError,
    ExportMismatchError,
    ModelLoadError,
    NotInstalledError,
)
from lens_core.quiet import quietly
from lens_core.runtime.lens import open_runtime
from lens_core.testing import networks

DOCUMENTS = {"manifest.json": '{"장소": "A"}'.encode()}


def exporter(**options):
    return plugins.make("exporter", "coreml", options)


def export(path, network, documents=DOCUMENTS, **options):
    made = exporter(**options)
    made.write(made.convert(network, networks.example()), documents, path)
    return path


@pytest.fixture(scope="module")
def network():
    return networks.tiny("convolutions")


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    return export(tmp_path_factory.mktemp("coreml") / "모델.mlpackage", network)


@pytest.fixture
def copied(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "x.mlpackage")


def specification(path):
    with quietly():
        from coremltools.proto import Model_pb2
    return Model_pb2.Model.FromString((path / package.MODEL).read_bytes())


def resealed(path, spec, folder):
    """A package with this specification and the weights of another, as if ai-lens had written it so."""
    package.write(folder / "y.mlpackage", spec.SerializeToString(), path / package.WEIGHTS)
    return folder / "y.mlpackage"


def files(path):
    return {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}


# --- the package


def test_the_package_is_what_an_app_expects(exported):
    about = specification(exported).description
    image = about.input[0].type.imageType
    assert [(item.name, image.width, image.height) for item in about.input] == [("image", 32, 32)]
    assert [item.name for item in about.output] == ["embeddings", "logits"]
    assert [list(item.type.multiArrayType.shape) for item in about.output] == [[1, 8], [1, 5]]
    assert base64.b64decode(about.metadata.userDefined["ai_lens.manifest.json"]) == DOCUMENTS["manifest.json"]


def test_coremltools_reads_the_package_and_the_seal_stays_whole(copied):
    with quietly():
        from coremltools.libmodelpackage import ModelPackage
    before = files(copied)
    assert ModelPackage(str(copied)).getRootModel().path() == str(copied / package.MODEL)
    assert files(copied) == before


def test_the_same_network_makes_the_same_bytes(exported, network, tmp_path):
    assert files(export(tmp_path / "again.mlpackage", network)) == files(exported)


def test_the_seal_lists_every_other_file_as_sha256sum_does(exported):
    *lines, _ = (exported / package.SEAL).read_text().splitlines()
    contents = {str(name): content for name, content in files(exported).items() if name.name != package.SEAL}
    expected = [
        f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in sorted(contents.items())
    ]
    assert lines == expected


def test_a_gallery_of_ten_megabytes(network, tmp_path):
    documents = {"gallery.safetensors": np.random.default_rng(0).bytes(10_000_000)}
    path = export(tmp_path / "x.mlpackage", network, documents)
    exporter().check_spec(network, documents, path)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            lambda path: (path / package.WEIGHTS / "weight.bin").write_bytes(b""),
            "weights/weight.bin has changed",
        ),
        (lambda path: (path / "Manifest.json").unlink(), "Manifest.json is missing"),
        (lambda path: (path / "Data" / ".DS_Store").write_bytes(b""), r"Data/\.DS_Store was added"),
        (lambda path: (path / "Data" / "link").symlink_to("/"), "Data/link was added"),
        (lambda path: (path / package.SEAL).unlink(), r"it has no ai-lens\.sha256"),
        (
            lambda path: (path / package.SEAL).write_bytes(b"00  Manifest.json\n"),
            r"ai-lens\.sha256 is damaged",
        ),
    ],
)
def test_damage_is_named(copied, harm, said):
    harm(copied)
    with pytest.raises(DamagedArtifactError, match=f"E210.*{said}"):
        open_runtime(copied, {})


def test_a_file_instead_of_a_folder(tmp_path):
    (tmp_path / "x.mlpackage").write_bytes(b"zip?")
    with pytest.raises(ModelLoadError, match=r"E200.*x\.mlpackage is not a folder"):
        open_runtime(tmp_path / "x.mlpackage", {})


@pytest.mark.skipif(sys.platform == "darwin", reason="here it runs")
def test_where_there_is_no_core_ml_opening_says_so(exported):
    with pytest.raises(CannotRunHereError, match=r"E470.*only on macOS and iOS.*--to onnx"):
        open_runtime(exported, {})


@pytest.mark.usefixtures("core_ml")
def test_a_core_ml_model_of_somebody_else(exported, tmp_path):
    spec = specification(exported)
    spec.description.input[0].name = "picture"
    with pytest.raises(
        ModelLoadError, match="not a model that ai-lens exported: its inputs are not one image"
    ):
        open_runtime(resealed(exported, spec, tmp_path), {})


# --- the check that needs no Core ML


def changed(network, change):
    other = copy.deepcopy(network)
    with torch.no_grad():
        change(other)
    return other


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda net: net.backbone[3].weight[5, 2, 1, 1].mul_(1.01), r"weights 'backbone\.3\.weight'"),
        (lambda net: net.embed.weight[0, 0].add_(0.001), r"weights 'embed\.weight'"),
        (lambda net: net.directions[0].neg_(), "logits are off by"),
        (lambda net: net.embed.bias[2].add_(0.01), "embeddings are off by"),
        (lambda net: net.backbone[1].running_mean[0].add_(0.1), "embeddings are off by"),
        (lambda net: net.mean.zero_(), "embeddings are off by"),
        (lambda net: net.std.fill_(1), "embeddings are off by"),
        (lambda net: net.backbone.__setitem__(2, nn.ReLU()), "embeddings are off by"),
        (
            lambda net: setattr(net, "directions", net.directions[:4]),
            r"logits have shape \[1, 5\], not \[1, 4\]",
        ),
    ],
)
def test_the_check_notices_one_change(exported, network, change, said):
    with pytest.raises(ExportMismatchError, match=f"E230.*{said}"):
        exporter().check_spec(changed(network, change), DOCUMENTS, exported)


@pytest.mark.parametrize("documents", [{}, {**DOCUMENTS, "more": b""}, {"manifest.json": b"{}"}])
def test_the_check_notices_other_documents(exported, network, documents):
    with pytest.raises(ExportMismatchError, match="did not keep its document"):
        exporter().check_spec(network, documents, exported)


def bgr(about):
    about.input[0].type.imageType.colorSpace = 30


def outputs_swapped(about):
    about.output.reverse()


def halves(about):
    about.output[0].type.multiArrayType.dataType = 65552


@pytest.mark.parametrize(
    ("harm", "said"),
    [(bgr, "not a square RGB image"), (outputs_swapped, "outputs are not"), (halves, "in float32")],
)
def test_the_check_notices_other_inputs_and_outputs(exported, network, tmp_path, harm, said):
    spec = specification(exported)
    harm(spec.description)
    with pytest.raises(ExportMismatchError, match=said):
        exporter().check_spec(network, DOCUMENTS, resealed(exported, spec, tmp_path))


def test_a_batch_norm_that_switches_channels_off_or_turns_them_over(network, tmp_path):
    def switch(net):
        net.backbone[4].weight[0] = 0
        net.backbone[4].weight[1] = -1

    other = changed(network, switch)
    exporter().check_spec(other, DOCUMENTS, export(tmp_path / "x.mlpackage", other))


def test_an_operator_that_the_check_does_not_know(exported, network, monkeypatch):
    monkeypatch.delitem(sys.modules["ai_lens_coreml.operators"].OPERATORS, "linear")
    with pytest.raises(CannotDoError, match=r"E460.*operator 'linear'.*Export it on a Mac"):
        exporter().check_spec(network, DOCUMENTS, exported)


class ManyOperators(nn.Module):
    """What networks other than our tiny ones are made of."""

    def forward(self, images):
        x = images.permute(0, 3, 1, 2).float() / 100 - 1
        made = [
            nn.functional.max_pool2d(x, 3, 2, 1),
            nn.functional.avg_pool2d(x, 3, 2, 1),
            nn.functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
            nn.functional.gelu(x, approximate="tanh"),
            nn.functional.hardsigmoid(x),
            nn.functional.leaky_relu(x, 0.1),
            nn.functional.elu(x),
            nn.functional.softplus(x),
            nn.functional.relu6(x),
            nn.functional.silu(x),
            x.tanh() + x.abs().sqrt(),
            x.square().sum(1, keepdim=True) - x.amax(1, keepdim=True),
            x.pow(3).exp().reciprocal().erf(),
            x[:, [2, 0, 1]],
            torch.addcmul(x, x, x + 1, value=0.5),
            torch.rsqrt(x * x + 1),
            x[:, 1:, ::2, 3:-4],
            x.softmax(-1),
            torch.stack(x.unbind(1), 1)[:, 0],
            torch.cat(x.chunk(2, dim=2), 3),
            x.roll((2, 3), (2, 3)),
            nn.functional.pad(x, (1, 2, 0, 3)),
        ]
        columns = [one.flatten(1)[:, 5:400:13] for one in made]
        embeddings = nn.functional.normalize(torch.cat(columns, 1))
        return embeddings, embeddings[:, :7]


def test_operators_mean_what_pytorch_means(tmp_path):
    network = ManyOperators()
    exporter().check_spec(network, DOCUMENTS, export(tmp_path / "x.mlpackage", network))


# --- precision


class Wide(nn.Module):
    """With a layer large enough to be worth compressing."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.hidden, self.embed = nn.Linear(32 * 32 * 3, 64), nn.Linear(64, 8)

    def forward(self, images):
        hidden = self.hidden(images.flatten(1).float() / 255).relu()
        embeddings = nn.functional.normalize(self.embed(hidden))
        return embeddings, embeddings[:, :5]


def weight_bytes(path):
    return (path / package.WEIGHTS / "weight.bin").stat().st_size


def test_float16_is_half_as_large_and_still_checked(tmp_path):
    network = Wide().eval()
    full = export(tmp_path / "full.mlpackage", network)
    half = export(tmp_path / "half.mlpackage", network, precision="float16")
    assert weight_bytes(half) < 0.55 * weight_bytes(full)
    exporter().check_spec(network, DOCUMENTS, half)
    with pytest.raises(ExportMismatchError, match=r"weights 'hidden\.weight'"):
        exporter().check_spec(
            changed(network, lambda net: net.hidden.weight[3, 7].add_(0.01)), DOCUMENTS, half
        )


def test_int8_is_a_quarter_as_large(tmp_path):
    network, made = Wide().eval(), exporter()
    full = made.convert(network, networks.example())
    made.write(full, DOCUMENTS, tmp_path / "full.mlpackage")
    made.write(
        made.quantize(full, np.zeros((1, 32, 32, 3), np.uint8)), DOCUMENTS, tmp_path / "int8.mlpackage"
    )
    assert weight_bytes(tmp_path / "int8.mlpackage") < 0.3 * weight_bytes(tmp_path / "full.mlpackage")


def test_an_unknown_precision():
    with pytest.raises(BadSettingError, match="E600"):
        exporter(precision="int4")


# --- the exporter


def test_a_network_with_an_operation_that_core_ml_does_not_have(tmp_path):
    class Odd(nn.Module):
        def forward(self, images):
            x = images.float().mean(3)
            return torch.linalg.eigvals(x).real, x.mean(2)

    with pytest.raises(
        BrokenPluginError, match=r"E420.*cannot convert this network: .*eig.*another backbone"
    ):
        export(tmp_path / "x.mlpackage", Odd())


def test_exporting_and_checking_say_nothing(network, tmp_path):
    code = (
        "import sys, pathlib\n"
        "from lens_core import plugins\n"
        "from lens_core.testing import networks\n"
        "network = networks.tiny('convolutions')\n"
        "exporter = plugins.make('exporter', 'coreml', {})\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "exporter.write(exporter.convert(network, networks.example()), {}, path)\n"
        "exporter.check_spec(network, {}, path)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.mlpackage")], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("library", ["torch", "coremltools"])
def test_exporting_where_a_library_is_missing(monkeypatch, library):
    monkeypatch.setattr(
        "ai_lens_coreml.exporter.find_spec", lambda name: None if name == library else SimpleNamespace()
    )
    with pytest.raises(
        NotInstalledError, match=rf"E410.*'{library}'.*pip install \"ai-lens-coreml\[export\]\""
    ):
        exporter()
