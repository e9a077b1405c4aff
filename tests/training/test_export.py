"""An export answers real photos as its checkpoint does, or it is not written."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from lens_core.artifacts import container, guide, probes
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    CannotDoError,
    CannotWriteError,
    ExportMismatchError,
    LayoutError,
    LensError,
    ModelLoadError,
)
from lens_core.photos.decode import decode
from lens_core.runtime.lens import Lens
from lens_core.training import int8, parity
from lens_core.training.export import export

# Exporters that write good ONNX of a network that is not quite the one they were given.
CHANGED = """
import torch
from lens_core import hookimpl, plugins

class Changed(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
    def forward(self, images):
        {forward}

class Exporter:
    suffix = ".onnx"
    def __init__(self):
        self.onnx = plugins.make("exporter", "onnx", {{}})
    def convert(self, module, example):
        return self.onnx.convert({convert}, example), module, example
    def write(self, network, documents, path):
        self.onnx.write(network[0], documents, path)
{more}

@hookimpl
def make_exporter():
    return Exporter()
"""
SHIFTED = CHANGED.format(
    convert="Changed(module)",
    forward="embeddings, logits = self.net(images); return embeddings, logits - 0.02",
    more="",
)
QUANTIZER = CHANGED.format(
    convert="module",
    forward="embeddings, logits = self.net(images); return embeddings, {logits}",
    more="""
    def quantize(self, network, images):
        assert images.dtype == "uint8" and images.ndim == 4
        return (self.onnx.convert(Changed(network[1]), network[2]),)
""",
)
COARSE = QUANTIZER.replace("{logits}", "torch.round(logits * 1000) / 1000")
RUINED = QUANTIZER.replace("{logits}", "logits.flip(1)")


def certificate(path):
    return Lens(path).manifest.certificate


def test_the_export_lies_beside_the_checkpoint_unless_told_otherwise(run, tmp_path):
    ckpt = tmp_path / "전시 모형.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    assert export(ckpt, "onnx").path == tmp_path / "전시 모형.onnx"
    assert export(ckpt, "onnx", tmp_path / "elsewhere" / "a.onnx").path == tmp_path / "elsewhere" / "a.onnx"
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        "전시 모형.ckpt",
        "전시 모형.onnx",
        "전시 모형.onnx.md",
        "a.onnx",
        "a.onnx.md",
    }


@pytest.mark.parametrize("opset", [17, 18])
def test_the_file_is_valid_onnx_of_the_opset_asked_for(run, tmp_path, opset):
    path = export(run.checkpoint, "onnx", tmp_path / "a.onnx", {"opset": opset}).path
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


# --- the gate


def test_a_checkpoint_carries_real_photos_of_every_item_and_an_export_carries_none(run, onnx_model):
    carried = container.read(run.checkpoint)
    listed = json.loads(carried[probes.LIST])
    assert [entry["place"] for entry in listed].count("A") == [entry["place"] for entry in listed].count("B")
    assert len(listed) == probes.EXHIBITS
    assert all(carried[entry["photo"]].startswith(b"\xff\xd8") for entry in listed)
    assert not any("probes" in name for name in Lens(onnx_model)._runtime.documents)


def test_the_certificate_says_how_the_export_was_checked(run, onnx_model):
    said = certificate(onnx_model)
    assert (said.precision, said.checked, said.points_lost) == ("fp32", "photos", {})
    assert said.exporter == "exporter 'onnx' (ai-lens-onnx 0.1.0)"
    assert said.photos == probes.EXHIBITS + 3 * 3  # three of them also turned, tiny and grey
    assert 0 <= said.largest_score_difference <= 1e-4
    assert 0 <= said.largest_distance_difference <= 1e-4
    assert certificate(run.checkpoint) is None


def test_the_photos_of_a_data_folder_are_asked_when_it_is_named(run, museum, build_museum, tmp_path):
    strays = build_museum(tmp_path / "strays", {"x": {"y": ("disc", "white")}}, photos=2)
    done = export(run.checkpoint, "onnx", tmp_path / "a.onnx", data_root=museum, ood=strays)
    assert done.certificate.photos == probes.EXHIBITS + 2 + 3 * 3


def test_a_data_folder_of_another_museum_is_refused(run, build_museum, tmp_path):
    other = build_museum(tmp_path / "data", {"Z": {"y": ("disc", "white")}}, photos=2)
    with pytest.raises(LayoutError, match=r"has no photos of the exhibits that .*best\.ckpt knows"):
        export(run.checkpoint, "onnx", tmp_path / "a.onnx", data_root=other)


def test_a_checkpoint_without_photos_asks_for_some(run, museum, tmp_path):
    ckpt = tmp_path / "bare.ckpt"
    container.write(ckpt, probes.without(container.read(run.checkpoint)))
    with pytest.raises(BadSettingError, match=r"carries no photos to check the export on\. Pass --data-root"):
        export(ckpt, "onnx")
    assert export(ckpt, "onnx", data_root=museum).certificate.photos > 0


def test_an_export_that_answers_differently_is_refused_with_the_table(run, install, tmp_path):
    install("ai-lens-shifted", SHIFTED, "ai_lens.exporters", "shifted")
    target = tmp_path / "out" / "a.onnx"
    with pytest.raises(ExportMismatchError) as refused:
        export(run.checkpoint, "shifted", target)
    count = int(re.match(r"E230: The export answers (\d+) of 57 photos otherwise", str(refused.value))[1])
    heads, *rows = refused.value.table
    assert heads == ("photo", "place", "checkpoint", "export", "score differs by", "distance differs by")
    assert len(rows) == count > 3
    assert all(float(row[4]) >= 1e-3 and float(row[5]) < 1e-5 for row in rows)
    assert list(target.parent.iterdir()) == []


def test_the_command_prints_the_table_and_exits_4(run, install, ai_lens, tmp_path):
    install("ai-lens-shifted", SHIFTED, "ai_lens.exporters", "shifted")
    ckpt = tmp_path / "a.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    done = ai_lens("export", "--ckpt", ckpt, "--to", "shifted")
    assert (done.status, done.out) == (4, "")
    assert "What differs\nphoto" in done.err
    assert re.search(r"E230: The export answers \d+ of 57 photos otherwise", done.err.splitlines()[-1])


def test_photos_are_asked_turned_tiny_and_grey_under_a_korean_path(run, monkeypatch):
    opened = {}

    def look(path):
        with Image.open(path) as image:
            opened[path] = image.copy(), image.getexif().get(0x0112)
        return decode(path)

    monkeypatch.setattr(parity, "decode", look)
    asked = parity.Gate.of(Lens(run.checkpoint), None, None, container.read(run.checkpoint)).questions
    assert all("사진" in str(path) for path in opened)
    odd = {
        kind: seen for path, seen in opened.items() for kind in ("EXIF", "tiny", "grey") if kind in path.name
    }
    image, orientation = odd["EXIF"]
    turned = next(question.photo for question in asked if "EXIF" in question.name)
    assert (orientation, turned.width, turned.height) == (6, image.height, image.width)
    assert min(odd["tiny"][0].size) == 32
    assert odd["grey"][0].mode == "L"


def test_a_bad_export_leaves_the_good_one_before_it(run, install, tmp_path):
    install("ai-lens-shifted", SHIFTED, "ai_lens.exporters", "shifted")
    target = export(run.checkpoint, "onnx", tmp_path / "out" / "a.onnx").path
    before = target.read_bytes()
    with pytest.raises(ExportMismatchError):
        export(run.checkpoint, "shifted", target)
    assert target.read_bytes() == before
    assert {path.name for path in target.parent.iterdir()} == {"a.onnx", "a.onnx.md"}
    assert guide.differences(target) == []


# --- int8


def test_int8_within_the_allowed_loss_is_written_with_what_it_costs(run, museum, install, tmp_path):
    install("ai-lens-coarse", COARSE, "ai_lens.exporters", "coarse")
    ckpt = tmp_path / "a.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    done = export(ckpt, "coarse", data_root=museum, quantize="int8")
    assert done.path == tmp_path / "a.int8.onnx"
    said = certificate(done.path)
    assert (said.precision, said.points_allowed, said.photos) == ("int8", 1.0, 120)
    assert set(said.points_lost) == {"top1", "answered_rightly", "look_alike", "other_place"}
    assert max(said.points_lost.values()) <= 1
    told = guide.path_of(done.path).read_text(encoding="utf-8")
    assert f"on 120 pictures it loses, in percentage points: top1 {said.points_lost['top1']:+.1f}" in told
    assert "(allowed: 1)" in told


def test_int8_is_calibrated_on_photos_of_every_place(run, museum, monkeypatch):
    monkeypatch.setattr(int8, "CALIBRATION", 15)
    gate = int8.Gate.of(Lens(run.checkpoint), museum, None, 1.0)
    labels = gate.material.labels[::2]
    chosen = [
        next(
            label
            for label, one in zip(labels, gate.material.exhibits[::2], strict=True)
            if (one == image).all()
        )
        for image in gate.calibration_images()
    ]
    assert len(set(chosen)) == 6


def test_int8_that_loses_more_is_refused_with_the_table(run, museum, install, tmp_path):
    install("ai-lens-ruined", RUINED, "ai_lens.exporters", "ruined")
    target = tmp_path / "out" / "a.onnx"
    with pytest.raises(ExportMismatchError, match="loses more than 1 points on 120 pictures") as refused:
        export(run.checkpoint, "ruined", target, data_root=museum, quantize="int8")
    heads, *rows = refused.value.table
    assert heads == ("figure", "checkpoint", "int8", "points lost")
    assert "top1" in [row[0] for row in rows]
    assert float(rows[0][3]) > 1
    assert list(target.parent.iterdir()) == []


def test_int8_that_has_everything_taken_again_is_refused(run, museum, install, tmp_path):
    install("ai-lens-shy", QUANTIZER.replace("{logits}", "logits * 0"), "ai_lens.exporters", "shy")
    with pytest.raises(ExportMismatchError) as refused:
        export(run.checkpoint, "shy", tmp_path / "a.onnx", data_root=museum, quantize="int8")
    shares = {row[0]: row[1:3] for row in refused.value.table}
    assert shares["answered_rightly"][1] == "0.0%"
    assert all(after == "0.0%" for kind, (_, after) in shares.items() if kind.startswith("accepted"))


def test_a_larger_loss_may_be_allowed_knowingly(run, museum, install, ai_lens, tmp_path):
    install("ai-lens-ruined", RUINED, "ai_lens.exporters", "ruined")
    ckpt = tmp_path / "a.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    flags = ["--to", "ruined", "--quantize", "int8", "--data-root", museum, "--max-loss", "100"]
    done = ai_lens("export", "--ckpt", ckpt, *flags)
    assert (done.status, done.out) == (0, f"{tmp_path / 'a.int8.onnx'}\n")
    assert "percentage points lost: top1" in done.err
    assert certificate(tmp_path / "a.int8.onnx").points_allowed == 100


def test_int8_without_photos_says_what_it_needs(run, install, tmp_path):
    install("ai-lens-coarse", COARSE, "ai_lens.exporters", "coarse")
    with pytest.raises(BadSettingError, match=r"calibrated and judged on photos.*Pass --data-root"):
        export(run.checkpoint, "coarse", tmp_path / "a.onnx", quantize="int8")


def test_int8_from_an_exporter_that_has_none_names_those_that_do(run, museum, install, tmp_path):
    install("ai-lens-shifted", SHIFTED, "ai_lens.exporters", "shifted")
    with pytest.raises(CannotDoError, match=r"E460: exporter 'shifted' cannot make int8.*--to openvino"):
        export(run.checkpoint, "shifted", tmp_path / "a.onnx", data_root=museum, quantize="int8")


def test_a_precision_that_is_none(run, museum, tmp_path):
    with pytest.raises(BadSettingError, match="There is no precision 'int4'"):
        export(run.checkpoint, "onnx", tmp_path / "a.onnx", data_root=museum, quantize="int4")


# --- files


def test_an_exporter_that_loses_a_document_is_refused(run, install, tmp_path):
    code = CHANGED.format(convert="module", forward="pass", more="").replace(
        "network[0], documents,", "network[0], {k: v for k, v in documents.items() if 'gallery' not in k},"
    )
    install("ai-lens-forgetful", code, "ai_lens.exporters", "forgetful")
    with pytest.raises(LensError, match="carries no gallery"):
        export(run.checkpoint, "forgetful", tmp_path / "a.onnx")


def test_an_exporter_that_fails_is_named(run, install, tmp_path):
    code = CHANGED.format(convert="module", forward="pass", more="").replace(
        "self.onnx.write(", "1 / 0; self.onnx.write("
    )
    install("ai-lens-crash", code, "ai_lens.exporters", "crash")
    with pytest.raises(
        BrokenPluginError, match=r"exporter 'crash' \(ai-lens-crash 1\.0\) failed in write: ZeroDivision"
    ):
        export(run.checkpoint, "crash", tmp_path / "a.onnx")
    assert list(tmp_path.glob("*.onnx")) == []


def test_the_same_checkpoint_makes_the_same_export(run, onnx_model, tmp_path):
    again = export(run.checkpoint, "onnx", tmp_path / "again.onnx").path
    assert again.read_bytes() == onnx_model.read_bytes()


def test_a_suffix_that_another_runtime_would_open_is_refused(run, tmp_path):
    with pytest.raises(LensError, match=r"a\.pt must end in \.onnx"):
        export(run.checkpoint, "onnx", tmp_path / "a.pt")


def test_a_folder_that_cannot_be_written_is_found_out_before_the_work(run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CannotWriteError):
        export(run.checkpoint, "onnx", tmp_path / "file" / "a.onnx")


def test_a_target_without_a_name_is_said_so(run):
    with pytest.raises(BadSettingError, match="has no name"):
        export(run.checkpoint, "onnx", Path())


def test_a_full_disk_is_not_blamed_on_the_exporter_whatever_its_library_says(
    run, tmp_path, install, monkeypatch
):
    broken = SHIFTED.replace(
        "self.onnx.write(", "raise RuntimeError('iostream error')\n        self.onnx.write("
    )
    install("ai-lens-deaf", broken, "ai_lens.exporters", "deaf")
    with pytest.raises(BrokenPluginError, match="iostream error"):
        export(run.checkpoint, "deaf", tmp_path / "a.onnx")
    full = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(CannotWriteError, match="is full"):
        export(run.checkpoint, "deaf", tmp_path / "a.onnx")
    assert list(tmp_path.glob("*.onnx")) == []


def test_an_export_cannot_be_exported_again(onnx_model, tmp_path):
    with pytest.raises(ModelLoadError):
        export(onnx_model, "onnx", tmp_path / "a.onnx")


def test_an_option_the_exporter_does_not_know_is_refused(run, tmp_path):
    with pytest.raises(
        BadSettingError, match=r"has no option 'opsett'\. Its options: int8, opset\. Did you mean 'opset'"
    ):
        export(run.checkpoint, "onnx", tmp_path / "a.onnx", {"opsett": 17})


def test_an_export_in_16_bits_may_differ_a_little_more_and_says_so(run, install, tmp_path):
    nearly = SHIFTED.replace("logits - 0.02", "logits - 0.001")
    install("ai-lens-full", nearly, "ai_lens.exporters", "full")
    half = nearly.replace('suffix = ".onnx"', 'suffix = ".onnx"; precision = "fp16"')
    install("ai-lens-half", half, "ai_lens.exporters", "half")
    with pytest.raises(ExportMismatchError, match=r"may differ by 0\.001"):
        export(run.checkpoint, "full", tmp_path / "full.onnx")
    said = export(run.checkpoint, "half", tmp_path / "half.onnx").certificate
    assert said.precision == "fp16"
    assert 1e-3 < said.largest_score_difference < 1e-2


def test_an_exporter_that_writes_another_network_the_second_time_is_refused(run, install, tmp_path):
    code = CHANGED.format(
        convert="module", forward="embeddings, logits = self.net(images); return embeddings, -logits", more=""
    ).replace(
        "self.onnx.write(network[0], documents, path)",
        "self.times = getattr(self, 'times', 0) + 1\n"
        "        again = self.onnx.convert(Changed(network[1]), network[2])\n"
        "        self.onnx.write(network[0] if self.times == 1 else again, documents, path)",
    )
    install("ai-lens-fickle", code, "ai_lens.exporters", "fickle")
    with pytest.raises(ExportMismatchError, match="wrote another network when it was asked to write again"):
        export(run.checkpoint, "fickle", tmp_path / "a.onnx")
    assert list(tmp_path.glob("*.onnx")) == []


@pytest.mark.parametrize("allowed", [float("nan"), float("inf"), -1, 101])
def test_a_loss_that_is_no_share_cannot_be_allowed(run, museum, install, tmp_path, allowed):
    install("ai-lens-ruined", RUINED, "ai_lens.exporters", "ruined")
    with pytest.raises(BadSettingError, match="must be 0 to 100 points"):
        export(run.checkpoint, "ruined", data_root=museum, quantize="int8", allowed_loss=allowed)


def test_int8_may_be_judged_on_the_photos_of_one_place(run, build_museum, install, tmp_path):
    install("ai-lens-coarse", COARSE, "ai_lens.exporters", "coarse")
    one = build_museum(tmp_path / "data", {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}}, photos=4)
    done = export(
        run.checkpoint, "coarse", tmp_path / "a.onnx", data_root=one, quantize="int8", allowed_loss=100
    )
    assert done.certificate.photos == 16
