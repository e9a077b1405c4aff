"""What each command prints, where, and how it ends."""

import json
import re
import shlex
import shutil
from pathlib import Path

import onnx
import pytest
from PIL import Image

from ai_lens_helper import Lens
from lens_core import plugins
from lens_core.cli.say import how_to_ask
from lens_core.errors import LensError, all_errors

PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("tent", "teal")}}


@pytest.fixture
def data(build_museum, tmp_path):
    return build_museum(tmp_path / "data", PLAN, photos=3)


@pytest.fixture
def ask(ai_lens, onnx_model, visitor):
    """``ask("--topk", 1)``: infer on a photo of A/ㄱ."""

    def call(*more, image=None, place="A", model=None):
        photo = image or visitor("A", "ㄱ")
        return ai_lens("infer", "--model", model or onnx_model, "--place", place, "--image", photo, *more)

    return call


# --- infer


def test_infer_prints_one_json_object_and_nothing_else(ask):
    done = ask()
    assert done.status == 0
    assert done.out.count("\n") == 1
    assert json.loads(done.out)["place"] == "A"
    assert done.err == ""


def test_infer_prints_what_the_sdk_returns(ask, onnx_model, visitor):

    assert ask().out == Lens(onnx_model).infer("A", visitor("A", "ㄱ")).to_json() + "\n"


def test_a_retake_is_a_result_and_may_be_made_a_failure(ask, rewrite):
    from lens_core.artifacts.manifest import Thresholds

    model = rewrite(thresholds=Thresholds(1.1, 0.0, -1.0))
    done, strict = ask(model=model), ask("--fail-on-recollect", model=model)
    assert (done.status, json.loads(done.out)["decision"]) == (0, "recollect")
    assert (strict.status, strict.out) == (10, done.out)


def test_an_accepted_photo_is_no_failure(ask, rewrite):
    from lens_core.artifacts.manifest import Thresholds

    model = rewrite(thresholds=Thresholds(0.0, 0.0, -1.0))
    done = ask("--fail-on-recollect", model=model)
    assert (done.status, json.loads(done.out)["decision"]) == (0, "accept")


def test_the_language_is_a_flag_before_or_after_the_command_or_a_variable(
    ai_lens, rewrite, visitor, monkeypatch
):
    from lens_core.artifacts.manifest import Thresholds

    model = rewrite(thresholds=Thresholds(1.1, 0.0, -1.0))
    asked = ["infer", "--model", model, "--place", "A", "--image", visitor("A", "ㄱ")]
    assert json.loads(ai_lens(*asked).out)["message"].startswith("전시품이 아닐 가능성이")
    english = ai_lens(*asked, "--lang", "en").out
    assert json.loads(english)["message"].startswith("This is probably not an exhibit.")
    assert ai_lens("--lang", "en", *asked).out == english
    monkeypatch.setenv("AI_LENS_LANG", "en")
    assert ai_lens(*asked).out == english


def test_topk_limits_the_predictions(ask):
    assert len(json.loads(ask("--topk", 1).out)["predictions"]) == 1


# --- exit statuses


def test_an_unknown_flag_is_wrong_usage(ai_lens):
    done = ai_lens("infer", "--modle", "x")
    assert (done.status, done.out) == (2, "")
    assert "--modle" in done.err


def test_a_missing_flag_is_wrong_usage(ai_lens, onnx_model):
    done = ai_lens("infer", "--model", onnx_model)
    assert (done.status, done.out) == (2, "")
    assert "--place" in done.err


def test_an_unknown_command_is_wrong_usage(ai_lens):
    assert ai_lens("inferr").status == 2


def test_a_value_of_the_wrong_type_is_wrong_usage(ask):
    assert ask("--topk", "many").status == 2
    assert ask("--topk", "0").status == 2
    assert ask("--reject-threshold", "62").status == 2


def test_an_unknown_place_is_e320(ask):
    assert "it has A, B." in ask(place="Z").failed(2, "E320")


def test_a_model_without_a_threshold_is_e310(ask, rewrite):
    said = ask(model=rewrite(thresholds=None)).failed(2, "E310")
    assert "Pass --reject-threshold" in said


def test_a_wrong_setting_is_e600(ai_lens, monkeypatch, ask):
    assert "'ko' or 'en'" in ask("--lang", "fr").failed(2, "E600")
    monkeypatch.setenv("AI_LENS_BACKBON", "x")
    assert "Did you mean 'backbone'?" in ai_lens("config").failed(2, "E600")


def test_a_wrong_checker_shows_before_a_photo_needs_it(ask):
    ask("--quality", "nosuch").failed(5, "E400")
    ask("--quality-option", "nosuch.x=1").failed(5, "E400")


def test_a_wrong_option_is_e600(ask):
    ask("--index-option", "nprobe").failed(2, "E600")
    ask("--index-option", "nprobe=8").failed(2, "E600")


def test_an_option_whose_value_is_no_yaml_is_e600(ask):
    ask("--index-option", "nprobe=[").failed(2, "E600")


def test_photo_folders_that_do_not_follow_the_layout_are_e100(ai_lens, data, tmp_path):
    shutil.copy(data / "A/ㄱ/img_000.jpg", data / "A/stray.jpg")
    assert "A/stray.jpg" in ai_lens("validate-data", "--data-root", data).failed(3, "E100")
    ai_lens("validate-data", "--data-root", tmp_path / "none").failed(3, "E100")


def test_a_photo_that_is_none_is_e120(ask, tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")
    assert "a.jpg" in ask(image=tmp_path / "a.jpg").failed(3, "E120")
    ask(image=tmp_path / "none.jpg").failed(3, "E120")


def test_a_model_that_cannot_be_opened_is_e200_or_e210(ask, onnx_model, tmp_path):
    ask(model=tmp_path / "none.onnx").failed(4, "E200")
    (tmp_path / "half.onnx").write_bytes(onnx_model.read_bytes()[:-100])
    ask(model=tmp_path / "half.onnx").failed(4, "E210")


def test_a_plugin_that_is_not_installed_is_e4xx(ask, tmp_path, monkeypatch):
    assert "Did you mean 'faiss'?" in ask("--index", "fais").failed(5, "E400")
    find = plugins.find
    monkeypatch.setattr(
        plugins, "find", lambda family: [p for p in find(family) if p.name not in ("scann", "pt")]
    )
    assert "pip install ai-lens-scann" in ask("--index", "scann").failed(5, "E410")
    (tmp_path / "a.pt").touch()
    ask(model=tmp_path / "a.pt").failed(5, "E410")


def test_where_nothing_can_be_written_is_e700(ai_lens, onnx_model, museum, tmp_path):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "A.index"
    done = ai_lens(
        "build-index", "--model", onnx_model, "--data-root", museum, "--place", "A", "--save", target
    )
    done.failed(7, "E700")


def test_every_error_has_a_code_a_cause_a_remedy_and_a_status_of_its_family():
    statuses = {"E1": 3, "E2": 4, "E3": 2, "E4": 5, "E6": 2, "E7": 7}
    codes = [error.code for error in all_errors()]
    assert len(codes) == len(set(codes)) >= 20
    for error in all_errors():
        assert re.fullmatch(r"E\d{3}", error.code)
        assert error.exit_status == statuses[error.code[:2]]
        assert error.__doc__.splitlines()[0].endswith(".")
        drawn = __import__("lens_core.errors", fromlist=["x"]).__doc__
        assert f"{error.__name__} " in drawn
        assert error.code in drawn


def test_debug_shows_where_it_failed_instead_of_one_line(ask, monkeypatch):
    with pytest.raises(LensError):
        ask("--debug", place="Z")
    monkeypatch.setenv("AI_LENS_DEBUG", "1")
    with pytest.raises(LensError):
        ask(place="Z")


def test_a_bug_is_called_a_bug_in_two_lines_and_is_status_1(ask, monkeypatch):
    from lens_core.runtime.result import Result

    monkeypatch.setattr(Result, "to_json", lambda self: {}["odd"])
    done = ask()
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 2
    assert "Traceback" not in done.err


def test_an_index_that_fails_in_use_is_named_not_called_a_bug(ask, install):
    code = (
        "from lens_core import hookimpl\nfrom lens_core.runtime.exact_index import ExactIndex\n"
        "class Odd(ExactIndex):\n"
        "    def search(self, queries, k): raise RuntimeError('odd')\n"
        "@hookimpl\ndef make_index(dim): return Odd(dim)\n"
    )
    install("ai-lens-odd", code, "ai_lens.indexes", "odd")
    done = ask("--index", "odd")
    assert (done.status, done.out) == (5, "")
    assert done.err.startswith(
        "ai-lens: E420: index 'odd' (ai-lens-odd 1.0) failed in search: RuntimeError: odd"
    )


# --- validate-data


def test_validate_data_prints_a_table_and_its_status_says_warnings(ai_lens, data):
    done = ai_lens("validate-data", "--data-root", data, "--min-images", 3)
    assert done.status == 8
    assert re.search(r"^A +ㄱ +3 +\d", done.out, re.MULTILINE)
    assert re.search("^0 errors, [1-9][0-9]* warnings", done.out, re.MULTILINE)


def test_validate_data_refuses_too_few_photos_but_still_shows_the_table(ai_lens, data):
    done = ai_lens("validate-data", "--data-root", data)
    assert done.status == 3
    assert done.err.splitlines()[-1].startswith(
        "ai-lens: E110: Fewer than 10 photos: A/ㄱ (3), A/ㄴ (3), B/ㄱ (3)."
    )
    assert re.search(r"^A +ㄱ +3 +\d", done.out, re.MULTILINE)


def test_validate_data_for_programs_is_json_alone(ai_lens, data):
    (data / "A/ㄱ/img_000.jpg").write_bytes(b"")
    done = ai_lens("validate-data", "--data-root", data, "--min-images", 1, "--json")
    said = json.loads(done.out)
    assert (said["photos"], said["errors"], done.status) == (9, 1, 3)
    assert "E120" in done.err


def test_validate_data_of_one_place_looks_at_no_other(ai_lens, data):
    (data / "B/ㄱ/img_000.jpg").write_bytes(b"")
    done = ai_lens("validate-data", "--data-root", data, "--place", "A", "--min-images", 1)
    assert "0 errors" in done.out
    assert "B" not in done.out


# --- build-index and infer with it


@pytest.mark.parametrize("index", ["exact", "faiss"])
def test_a_gallery_is_built_and_asked(ai_lens, onnx_model, museum, visitor, tmp_path, index):
    saved = tmp_path / "A.index"
    built = ai_lens(
        "build-index", "--model", onnx_model, "--data-root", museum / "A", "--place", "A", "--save", saved,
        "--index", index,
    )  # fmt: skip
    assert (built.status, built.out) == (0, "")
    assert "30 vectors of 3 items" in built.err
    asked = ["infer", "--model", onnx_model, "--place", "A", "--image", visitor("A", "ㄷ")]
    apart, inside = json.loads(ai_lens(*asked, "--index-file", saved).out), json.loads(ai_lens(*asked).out)
    assert apart["predictions"] == inside["predictions"]
    assert apart["decision"] == inside["decision"]


@pytest.mark.parametrize("what", ["model", "photo"])
def test_a_gallery_never_replaces_what_it_is_made_from(ai_lens, onnx_model, data, tmp_path, what):
    model = Path(shutil.copy(onnx_model, tmp_path / "best.onnx"))
    target = {"model": model, "photo": next((data / "A" / "ㄱ").iterdir())}[what]
    before = target.read_bytes()
    done = ai_lens("build-index", "--model", model, "--data-root", data, "--place", "A", "--save", target)
    assert "holds something else than a gallery" in done.failed(7, "E700")
    assert target.read_bytes() == before
    again = (
        "build-index",
        "--model",
        model,
        "--data-root",
        data,
        "--place",
        "A",
        "--save",
        tmp_path / "A.index",
    )
    assert [ai_lens(*again).status, ai_lens(*again).status] == [0, 0]


def test_a_gallery_of_means_is_smaller(ai_lens, onnx_model, museum, tmp_path):
    done = ai_lens(
        "build-index", "--model", onnx_model, "--data-root", museum, "--place", "B",
        "--save", tmp_path / "B.index", "--gallery", "prototypes",
    )  # fmt: skip
    assert "3 vectors of 3 items" in done.err


def test_a_gallery_of_another_model_is_e220(ask, tmp_path, onnx_model, museum, rewrite, ai_lens):
    other = rewrite(embedding_id="another")
    saved = tmp_path / "A.index"
    ai_lens("build-index", "--model", other, "--data-root", museum, "--place", "A", "--save", saved)
    ask("--index-file", saved).failed(4, "E220")


# --- export, config, plugins, whole job


@pytest.mark.parametrize(
    "command", [("export", "--to", "onnx", "--ckpt"), ("bench", "--model")], ids=["export", "bench"]
)
def test_a_mistyped_path_makes_no_folder(ai_lens, tmp_path, command):
    done = ai_lens(*command, tmp_path / "rnus" / "best.ckpt")
    assert (done.status, "E200: There is no model file" in done.err) == (4, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("before", [True, False])
def test_a_model_is_evaluated_as_it_was_trained(ai_lens, onnx_model, before):
    flag, command = ("--backbone", "vit_b16"), ("evaluate", "--model", onnx_model)
    done = ai_lens(*flag, *command) if before else ai_lens(*command, *flag)
    assert (done.status, "not with --model" in done.err) == (2, True)


def test_a_command_to_copy_can_be_pasted():
    command = how_to_ask(Path("내 모델/best.onnx"), "Room A")
    assert shlex.split(command)[2:6] == ["--model", "내 모델/best.onnx", "--place", "Room A"]


def test_export_prints_the_path_it_wrote(ai_lens, run, tmp_path):
    target = tmp_path / "out.onnx"
    done = ai_lens("export", "--ckpt", run.checkpoint, "--onnx", target)
    assert (done.status, done.out) == (0, f"{target}\n")
    assert target.is_file()


def test_of_several_exports_a_mistake_in_the_last_shows_before_the_first_is_made(ai_lens, run, tmp_path):
    ckpt = tmp_path / "a.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    ai_lens("export", "--ckpt", ckpt, "--to", "onnx", "--to", "onx").failed(5, "E400")
    ai_lens("export", "--ckpt", ckpt, "--to", "onnx", "--option", "opst=17").failed(2, "E600")
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


def test_an_option_may_be_for_one_of_several_exporters(ai_lens, run, tmp_path):
    ckpt = tmp_path / "a.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    flags = ["--to", "onnx", "--to", "torchscript", "--option", "onnx.opset=15"]
    done = ai_lens("export", "--ckpt", ckpt, *flags)
    assert done.out.splitlines() == [str(tmp_path / "a.onnx"), str(tmp_path / "a.pt")]
    assert onnx.load(tmp_path / "a.onnx").opset_import[0].version == 15
    ai_lens("export", "--ckpt", ckpt, "--to", "onnx", "--option", "openvino.x=1").failed(2, "E600")


def test_export_reads_the_settings_and_an_option_wins(ai_lens, run, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text("export: {opset: 15}\n")
    asked = ("--config", settings, "export", "--ckpt", run.checkpoint, "--onnx", tmp_path / "a.onnx")
    for option, opset in ((), 15), (("--option", "opset=18"), 18):
        assert ai_lens(*asked, *option).status == 0
        assert onnx.load(tmp_path / "a.onnx").opset_import[0].version == opset


def test_max_loss_without_quantize_is_wrong_usage(ai_lens, run):
    assert ai_lens("export", "--ckpt", run.checkpoint, "--to", "onnx", "--max-loss", 3).status == 2


def test_export_to_nowhere_is_wrong_usage(ai_lens, run):
    done = ai_lens("export", "--ckpt", run.checkpoint)
    assert done.status == 2
    assert "--onnx FILE or --to NAME" in done.err


def test_config_shows_every_value_and_where_it_came_from(ai_lens, tmp_path, monkeypatch):
    path = tmp_path / "settings.yaml"
    path.write_text("seed: 7\nreject: {threshold: 0.7}\n")
    monkeypatch.setenv("AI_LENS_LANG", "en")
    done = ai_lens("--backbone", "resnet50", "config", "--config", path)
    lines = done.out.splitlines()
    assert done.status == 0
    assert f"seed: 7  # {path} line 1" in lines
    assert f"  threshold: 0.7  # {path} line 2" in lines
    assert 'lang: "en"  # environment AI_LENS_LANG' in lines
    assert 'backbone: "resnet50"  # flag --backbone' in lines
    assert "lr: 0.0003  # default" in lines


def test_what_config_prints_is_itself_a_settings_file(ai_lens, tmp_path):
    path = tmp_path / "printed.yaml"
    path.write_text(ai_lens("--backbone", "resnet50", "config").out, encoding="utf-8")
    again = ai_lens("config", "--config", path)
    assert again.status == 0, again.err
    values = [
        [line.partition("  # ")[0] for line in text.splitlines()] for text in (path.read_text(), again.out)
    ]
    assert values[0] == values[1]


def test_plugins_are_listed_with_their_distributions(ai_lens):
    done = ai_lens("plugins")
    assert done.status == 0
    assert re.search(r"^index +faiss +ai-lens-faiss \d", done.out, re.MULTILINE)
    rows = json.loads(ai_lens("plugins", "list", "--json").out)
    assert {"family": "index", "name": "exact"}.items() <= next(
        r for r in rows if r["name"] == "exact"
    ).items()


def test_the_version_is_printed(ai_lens):
    done = ai_lens("--version")
    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(r"ai-lens \d+\.\d+.*\n", done.out)


def test_quiet_leaves_only_the_result(ai_lens, data):
    loud = ai_lens("validate-data", "--data-root", data, "--min-images", 1)
    quiet = ai_lens("--quiet", "validate-data", "--data-root", data, "--min-images", 1)
    after = ai_lens("validate-data", "--data-root", data, "--min-images", 1, "--quiet")
    assert loud.err != ""
    assert quiet.err == after.err == ""
    assert quiet.out == after.out == loud.out


def test_training_from_the_command_line_ends_with_a_table_and_a_model(
    ai_lens, build_museum, random_weights, tmp_path
):
    data = build_museum(tmp_path / "data", PLAN, photos=4)
    done = ai_lens(
        "train", "--data-root", data, "--place", "A", "--backbone", "timm:test_resnet",
        "--weights", random_weights, "--img-size", 32, "--embedding", 8, "--epochs", 2, "--loss", "ce",
        "--min-images", 4,
        "--save-dir", tmp_path / "run", "--export-onnx",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "8 of 2 items in 1 places" in done.out
    assert (tmp_path / "run" / "best.ckpt").is_file()
    assert (tmp_path / "run" / "best.onnx").is_file()


def test_the_whole_job_leaves_a_model_its_indexes_and_an_export(
    ai_lens, build_museum, random_weights, tmp_path, monkeypatch
):
    build_museum(tmp_path / "data", PLAN, photos=4)
    (tmp_path / "small.yaml").write_text("img_size: 32\nembedding_dim: 8\nepochs: 2\n")
    monkeypatch.chdir(tmp_path)
    done = ai_lens(
        "--config", "small.yaml", "--backbone", "timm:test_resnet", "--weights", random_weights,
        "--index", "faiss", "--loss", "ce", "--min-images", 4, "--save-dir", "run",
    )  # fmt: skip
    assert done.status == 0, done.err
    made = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"best.ckpt", "best.onnx", "A.index", "B.index", "metrics.json"} <= made
    asked = ai_lens(
        "infer", "--model", "run/best.onnx", "--place", "A", "--image", "data/A/ㄱ/img_000.jpg",
        "--index-file", "run/A.index",
    )  # fmt: skip
    assert asked.status == 0
    assert json.loads(asked.out)["place"] == "A"


def test_training_on_too_few_photos_is_e110_before_anything_is_written(ai_lens, data, tmp_path):
    done = ai_lens("train", "--data-root", data, "--save-dir", tmp_path / "run")
    assert "A/ㄱ (3), A/ㄴ (3), B/ㄱ (3)" in done.failed(3, "E110")
    assert not (tmp_path / "run" / "best.ckpt").exists()


def test_weights_that_are_a_pickle_are_refused(ai_lens, data, tmp_path):
    import torch

    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pth")
    done = ai_lens(
        "train", "--data-root", data, "--min-images", 3, "--backbone", "timm:test_resnet",
        "--weights", tmp_path / "weights.pth", "--save-dir", tmp_path / "run",
    )  # fmt: skip
    assert done.status == 4
    assert done.err.splitlines()[-1].startswith("ai-lens: E200: ")


def test_a_plugin_that_prints_does_not_spoil_the_json(ask, install, rewrite):
    from lens_core.artifacts.manifest import Thresholds

    code = (
        "print('loaded!')\nfrom lens_core import hookimpl\n"
        "@hookimpl\ndef check_photo(photo):\n    print('checking')\n    return []\n"
    )
    install("ai-lens-chatty", code, "ai_lens.quality", "chatty")
    done = ask(model=rewrite(thresholds=Thresholds(1.1, 0.0, -1.0)))
    assert json.loads(done.out)["decision"] == "recollect"
    assert "loaded!" in done.err


def test_a_photo_of_a_phone_held_upright_is_answered_like_any_other(ask, draw, tmp_path):
    photo = draw("disc", "crimson", 77, (600, 800))
    turned, block = photo.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    block[0x0112] = 6
    photo.save(tmp_path / "plain.png")
    turned.save(tmp_path / "held.png", exif=block)
    assert ask(image=tmp_path / "held.png").out == ask(image=tmp_path / "plain.png").out
