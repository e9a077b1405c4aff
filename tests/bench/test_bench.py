"""``ai-lens bench`` on real files: a table, JSON and a page, each row measured in a process of its own."""

import json
import os
import re
import shutil
import sys

import pytest

from lens_core.bench.benchmark import Helpers, benchmark
from lens_core.bench.found import Wanted
from lens_core.bench.report import Machine
from lens_core.errors import CannotDoError
from lens_core.training.int8 import changed_view
from lens_core.training.variants import at_size

CRASHES = """
import os
from lens_core import hookimpl

@hookimpl
def make_runtime(path):
    print("out of memory", file=__import__("sys").stderr)
    os._exit(3)
"""


def nothing_to_make(*asked):
    raise AssertionError(asked)


def rows_of(said):
    return {row["file"]: row for row in said["rows"]}


@pytest.fixture(scope="module")
def strays(build_museum, tmp_path_factory):
    plan = {"x": {"y": ("disc", "white"), "z": ("tent", "black")}}
    return build_museum(tmp_path_factory.mktemp("strays") / "ood", plan, photos=3)


@pytest.fixture(scope="module")
def found(exported, tiny_settings, museum, strays, rewrite, tmp_path_factory):
    """Every kind of row: good files, int8, a damaged one, and one of another model."""
    home = tmp_path_factory.mktemp("bench")
    for path in exported.iterdir():
        shutil.copyfile(path, home / path.name)
    (home / "best.ort").write_bytes((home / "best.onnx").read_bytes()[:-100])
    shutil.copyfile(rewrite(model_version="1.1.0"), home / "best.old.ckpt")
    wanted = Wanted(data_root=museum, ood=strays)
    helpers = Helpers(nothing_to_make, lambda: changed_view)
    return benchmark(home, wanted, tiny_settings.runtime_options, Machine.here(), helpers)


def test_each_file_is_measured_and_compared_with_the_checkpoint(found):
    rows = rows_of(found.to_dict())
    good = {"best.ckpt", "best.onnx", "best.int8.onnx", "best.xml", "best.pt"}
    assert set(rows) == good | {"best.ort", "best.old.ckpt"}
    for name in good:
        row = rows[name]
        assert row["error"] is None
        assert row["img_size"] == 64
        assert row["load_ms"] > 0
        assert 0 < row["network_ms"]["p50"] <= row["network_ms"]["p95"]
        assert 0 < row["answer_ms"]["p50"] <= row["answer_ms"]["p95"]
        assert row["photos_per_second"] > 0
        assert 0 <= row["top1"] <= 1
        assert set(row["aurocs"]) == {"look_alike", "other_place", "ood"}
        assert abs(row["auroc"] - sum(row["aurocs"].values()) / 3) < 1e-9
    for name in good - {"best.int8.onnx"}:
        assert rows[name]["precision"] == "fp32"
        assert abs(rows[name]["top1_change"]) < 0.01
        assert abs(rows[name]["auroc_change"]) < 0.1
    assert rows["best.int8.onnx"]["precision"] == "int8"
    assert set(rows["best.int8.onnx"]["points_lost"]) >= {"top1", "look_alike"}


def test_a_file_is_as_large_as_all_that_belongs_to_it(found, exported):
    rows = rows_of(found.to_dict())
    both = sum((exported / name).stat().st_size for name in ("best.xml", "best.bin"))
    assert rows["best.xml"]["megabytes"] == round(both / 1e6, 1)
    assert rows["best.onnx"]["megabytes"] == round((exported / "best.onnx").stat().st_size / 1e6, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the peak memory in this way")
def test_memory_is_that_of_the_file_s_own_process(found):
    """This very process has PyTorch loaded; that of an ONNX file has not."""
    rows = rows_of(found.to_dict())
    assert rows["best.onnx"]["peak_megabytes"] < rows["best.ckpt"]["peak_megabytes"] / 2


def test_a_file_that_cannot_be_measured_says_why_and_the_others_go_on(found):
    rows = rows_of(found.to_dict())
    assert rows["best.ort"]["error"]["code"] == "E210"
    assert rows["best.ort"]["error"]["message"].startswith("best.ort is damaged")  # no folders
    assert rows["best.old.ckpt"]["error"]["code"] == "E200"
    assert "is of another model: version 1.1.0" in rows["best.old.ckpt"]["error"]["message"]
    assert rows["best.ort"]["network_ms"] is rows["best.ort"]["top1"] is None


def test_the_page_says_the_same_in_korean_and_english(found, tmp_path):
    from lens_core.bench.page import write_page

    for lang, heading in (("ko", "파일을 쓰세요."), ("en", "Take best.")):
        write_page(found, tmp_path / f"{lang}.html", lang)
        page = (tmp_path / f"{lang}.html").read_text(encoding="utf-8")
        assert heading in page
        assert found.recommended.why[lang].replace("'", "&#39;") in page
        assert "best.ort" in page
        assert "E210" in page
        assert len(re.findall('<circle class="dot', page)) == 2 * 5  # top-1 and AUROC
        assert len(re.findall('<circle class="dot chosen', page)) == 2
        assert "http" not in re.sub(r"http-equiv", "", page)


# --- the command


def test_the_command_prints_a_table_and_leaves_a_page_and_json(device, ai_lens):
    home = device("best.onnx", "best.int8.onnx")
    done = ai_lens("bench", "--model", home)
    assert done.status == 0, done.err
    title, head, _, first, second, *rest = done.out.splitlines()
    assert title.startswith("Measured on ")
    assert head.split()[:3] == ["file", "precision", "pixels"]
    assert {first.split()[0], second.split()[0]} == {"best.onnx", "best.int8.onnx"}
    assert rest[-1].startswith("Take best.")
    assert f"Look at {home / 'bench.html'}" in done.err
    said = json.loads((home / "bench.json").read_text(encoding="utf-8"))
    assert said["answered"] == {"photos": 1, "source": "drawn"}
    assert said["pictures"] is None
    assert said["recommended"]["file"] in rows_of(said)
    assert "--data-root" in (home / "bench.html").read_text(encoding="utf-8")


def test_a_named_file_is_measured_with_those_that_are_called_as_it_is(device, ai_lens, tmp_path):
    home = device("best.onnx", "best.int8.onnx")
    (home / "best.onnx").rename(home / "kiosk.onnx")
    done = ai_lens("bench", "--model", home / "kiosk.onnx", "--json", "--save-dir", tmp_path / "out")
    said = json.loads(done.out)
    assert set(rows_of(said)) == {"kiosk.onnx"}
    assert json.loads((tmp_path / "out" / "bench.json").read_text(encoding="utf-8")) == said
    assert not (home / "bench.json").exists()


def test_what_is_missing_is_made_for_the_table_alone(device, ai_lens, museum):
    home = device("best.ckpt", "best.xml", "best.bin")
    flags = ["--to", "onnx", "--to", "openvino", "--to", "torchscript", "--quantize", "int8"]
    asked = ["bench", "--model", home / "best.ckpt", "--data-root", museum, "--img-size", 96, "--json"]
    done = ai_lens(*asked, "--to", "onnx", "--to", "openvino")
    assert done.status == 0, done.err
    rows = rows_of(json.loads(done.out))
    sizes = {"best.ckpt": 64, "best.xml": 64, "best.onnx": 64}
    resized = {f"{name} at 96": 96 for name in sizes}
    assert {name: row["img_size"] for name, row in rows.items()} == sizes | resized
    assert all(row["error"] is None for row in rows.values())
    assert all(rows[name]["resized"] and rows[name]["top1"] > 0.5 for name in resized)
    assert abs(rows["best.onnx at 96"]["top1"] - rows["best.ckpt at 96"]["top1"]) < 0.01
    assert rows["best.onnx"]["made_by"] == "ai-lens export --ckpt best.ckpt --to onnx"
    assert rows["best.xml"]["made_by"] is None
    assert {path.name for path in home.iterdir()} == {
        "best.ckpt", "best.xml", "best.bin", "bench.json", "bench.html",
    }  # fmt: skip
    done = ai_lens("bench", "--model", home, "--data-root", museum, *flags[4:], "--json")
    refused = rows_of(json.loads(done.out))["--to torchscript --quantize int8"]
    assert refused["error"]["code"] == "E460"


def test_a_network_of_one_size_says_so(museum, tiny_settings, tmp_path):
    import attrs
    import safetensors.torch
    import timm
    import torch

    from lens_core.photos.layout import scan
    from lens_core.training.train import train

    torch.manual_seed(0)
    net = timm.create_model("test_vit", pretrained=False, num_classes=0)
    safetensors.torch.save_file(net.state_dict(), tmp_path / "vit.safetensors")
    weights = str(tmp_path / "vit.safetensors")
    settings = attrs.evolve(tiny_settings, backbone="timm:test_vit", weights=weights, img_size=None)
    run = train(settings, scan(museum), tmp_path / "run")
    with pytest.raises(CannotDoError, match=r"takes no photos of 96 pixels\. Train it with --img-size 96"):
        at_size(run.checkpoint, 96, museum, tmp_path / "96.ckpt")


def test_a_process_that_dies_is_a_row(device, ai_lens, install, monkeypatch):
    site = install("ai-lens-boom", CRASHES, "ai_lens.runtimes", "boom")
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    home = device("best.onnx")
    (home / "best.boom").touch()
    done = ai_lens("bench", "--model", home / "best.onnx", "--json")
    assert done.status == 0, done.err
    assert rows_of(json.loads(done.out))["best.boom"]["error"] == {
        "code": "",
        "message": "Its process ended with status 3: out of memory",
    }


def test_a_device_without_jinja_still_gets_its_figures(device, ai_lens, monkeypatch):
    home = device("best.onnx")
    monkeypatch.setitem(sys.modules, "jinja2", None)
    done = ai_lens("bench", "--model", home)
    assert done.status == 0
    assert "E410: An HTML page needs 'jinja2'. Try: pip install \"ai-lens-helper[report]\"" in done.err
    assert (home / "bench.json").exists()
    assert not (home / "bench.html").exists()


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        (["--quantize", "int8"], "--to NAME"),
        (["--to", "onnx", "--quantize", "int8"], "--data-root"),
        (["--img-size", "96"], "--data-root"),
        (["--ood", "."], "--data-root"),
        (["--img-size", "8"], "32"),
        (["--to", "onnx", "--quantize", "int4"], "int8"),
    ],
)
def test_flags_that_need_another_are_wrong_usage(exported, ai_lens, flags, hint):
    done = ai_lens("bench", "--model", exported, *flags)
    assert (done.status, done.out) == (2, "")
    assert hint in done.err


def test_wrong_input_is_said_before_anything_is_measured(device, ai_lens, build_museum, museum, tmp_path):
    home = device("best.onnx")
    other = build_museum(tmp_path / "data", {"Z": {"y": ("disc", "white")}}, photos=2)
    (tmp_path / "file").touch()
    cases = {
        ("--model", tmp_path / "none.onnx"): (4, "E200: There is no model file"),
        ("--model", tmp_path / "data"): (4, "holds no model"),
        ("--model", home, "--data-root", other): (3, "E100"),
        ("--model", home, "--save-dir", tmp_path / "file" / "x"): (7, "E700"),
        ("--model", home, "--to", "onnx"): (4, "E200: "),
        ("--model", home, "--to", "onyx"): (5, "Did you mean 'onnx'?"),
        ("--model", home, "--data-root", museum, "--ood", tmp_path / "none"): (3, "E100"),
        ("--model", home, "--lang", "fr"): (2, "E600"),
    }
    for flags, (status, words) in cases.items():
        done = ai_lens("bench", *flags)
        assert (done.status, done.out) == (status, ""), flags
        assert words in done.err, flags
        assert "Measuring" not in done.err
