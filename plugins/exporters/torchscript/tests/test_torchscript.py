"""What is particular to TorchScript: the seal, what stays out of the file, and that it is legacy."""

import io
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import torch
from ai_lens_torchscript import layout
from torch import nn

from lens_core import plugins
from lens_core.artifacts import integrity
from lens_core.errors import BrokenPluginError, DamagedArtifactError, ModelLoadError
from lens_core.runtime.lens import open_runtime
from lens_core.testing import networks

DOCUMENTS = {"manifest.json": '{"장소": "A"}'.encode(), "gallery.safetensors": bytes(range(256)) * 20}


def export(path, network=None, documents=DOCUMENTS):
    exporter = plugins.make("exporter", "torchscript", {})
    exporter.write(
        exporter.convert(network or networks.tiny("convolutions"), networks.example()), documents, path
    )
    return path


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export(tmp_path_factory.mktemp("torchscript") / "모델.pt")


def scripted(network):
    written = io.BytesIO()
    with layout.quiet():
        torch.jit.save(torch.jit.script(network), written)
    return written.getvalue()


def test_an_app_finds_network_documents_and_photo_size_with_torch_alone(exported):
    documents = dict.fromkeys(DOCUMENTS, "")
    with layout.quiet():
        network = torch.jit.load(exported, map_location="cpu", _extra_files=documents)
    embeddings, logits = network(torch.zeros(3, 32, 32, 3, dtype=torch.uint8))
    assert (tuple(embeddings.shape), tuple(logits.shape)) == ((3, 8), (3, 5))
    assert documents == DOCUMENTS
    assert int(network.photo_size) == 32


def test_any_zip_tool_opens_the_file(exported):
    with zipfile.ZipFile(exported) as archive:
        assert archive.testzip() is None
        assert "archive/extra/manifest.json" in archive.namelist()


def test_nothing_in_the_file_tells_where_it_was_made(exported):
    with zipfile.ZipFile(exported) as archive:
        members = [archive.read(name) for name in archive.namelist()]
    here = [str(Path.home()), str(Path(torch.__file__).parent), "lens_core", "site-packages"]
    assert not [word for word in here for member in members if word.encode() in member]


def test_the_same_network_makes_the_same_bytes(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from lens_core import plugins\n"
        "from lens_core.testing import networks\n"
        "exporter = plugins.make('exporter', 'torchscript', {})\n"
        "network = exporter.convert(networks.tiny('transformer'), networks.example())\n"
        "exporter.write(network, {'manifest.json': b'{}'}, pathlib.Path(sys.argv[1]))\n"
    )
    files = [tmp_path / "one.pt", tmp_path / "two.pt"]
    running = [subprocess.Popen([sys.executable, "-c", code, str(file)]) for file in files]
    assert [process.wait() for process in running] == [0, 0]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("position", [0, 5000, -3000, -1])
def test_a_damaged_file_is_called_damaged_and_not_a_pickle(exported, tmp_path, position):
    content = bytearray(exported.read_bytes())
    content[position] ^= 1
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(DamagedArtifactError, match=r"E210.*x\.pt is damaged"):
        open_runtime(tmp_path / "x.pt", {})


def test_a_checkpoint_of_torch_is_called_a_pickle(tmp_path):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "x.pt")
    with pytest.raises(ModelLoadError, match=r"E200.*x\.pt is a Python pickle"):
        open_runtime(tmp_path / "x.pt", {})


def test_torchscript_of_somebody_else(tmp_path):
    (tmp_path / "x.pt").write_bytes(layout.seal(scripted(nn.Linear(3, 2))))
    with pytest.raises(ModelLoadError, match="not one that ai-lens exported"):
        open_runtime(tmp_path / "x.pt", {})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no zip at all" * 9, "is not a TorchScript file"),
        (layout.container.pack({"archive/version": b"3\n"}), "cannot be opened by PyTorch"),
    ],
)
def test_a_sealed_file_that_is_something_else(tmp_path, content, said):
    (tmp_path / "x.pt").write_bytes(content if content[:2] == b"PK" else integrity.seal(content))
    with pytest.raises(ModelLoadError, match=rf"E200.*x\.pt {said}"):
        open_runtime(tmp_path / "x.pt", {})


def test_a_network_that_cannot_be_traced(tmp_path):
    class Talks(nn.Module):
        def forward(self, images):
            return images.float().mean((1, 2)), "a class"

    with pytest.raises(BrokenPluginError, match=r"E420.*cannot trace this network: .*Try another backbone"):
        export(tmp_path / "x.pt", Talks())


def test_deprecation_is_not_repeated_at_every_step(tmp_path, recwarn, capfd):
    open_runtime(export(tmp_path / "x.pt"), {})
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


def test_whoever_looks_reads_that_it_is_legacy():
    about = metadata.distribution("ai-lens-torchscript")
    assert about.metadata["Summary"].startswith("Legacy")
    _, _, readme = about.read_text("METADATA").partition("\n\n")
    assert "(legacy)" in readme.partition("\n")[0]


def test_there_is_no_int8():
    assert not hasattr(plugins.make("exporter", "torchscript", {}), "quantize")
