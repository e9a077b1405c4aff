"""What each command prints, where, and how it ends."""

import contextlib
import json
import re
import shutil
from itertools import islice

import onnx
import pytest
from PIL import Image

from ai_lens_helper import Lens
from lens_core import plugins
from lens_core.errors import LensError, all_errors
from lens_core.runtime.batch import Batch
from lens_core.runtime.ledger import ledger_of

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


def failed(done, status, code):
    """A user's mistake: one line on stderr that starts with the code, nothing on stdout."""
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert done.err.startswith(f"ai-lens: {code}: "), done.err
    assert done.status == status
    return done.err


# --- infer


def test_infer_prints_one_json_object_and_nothing_else(ask):
    done = ask()
    assert done.status == 0
    assert done.out.count("\n") == 1
    assert json.loads(done.out)["place"] == "A"
    assert done.err == ""


def test_infer_prints_what_the_sdk_returns(ask, onnx_model, visitor):
    from ai_lens_helper import Lens

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
    assert "it has A, B." in failed(ask(place="Z"), 2, "E320")


def test_a_model_without_a_threshold_is_e310(ask, rewrite):
    said = failed(ask(model=rewrite(thresholds=None)), 2, "E310")
    assert "Pass --reject-threshold" in said


def test_a_wrong_setting_is_e600(ai_lens, monkeypatch, ask):
    assert "'ko' or 'en'" in failed(ask("--lang", "fr"), 2, "E600")
    monkeypatch.setenv("AI_LENS_BACKBON", "x")
    assert "Did you mean 'backbone'?" in failed(ai_lens("config"), 2, "E600")


def test_a_wrong_option_is_e600(ask):
    failed(ask("--index-option", "nprobe"), 2, "E600")
    failed(ask("--index-option", "nprobe=8"), 2, "E600")


def test_an_option_whose_value_is_no_yaml_is_e600(ask):
    failed(ask("--index-option", "nprobe=["), 2, "E600")


def test_photo_folders_that_do_not_follow_the_layout_are_e100(ai_lens, data, tmp_path):
    shutil.copy(data / "A/ㄱ/img_000.jpg", data / "A/stray.jpg")
    assert "A/stray.jpg" in failed(ai_lens("validate-data", "--data-root", data), 3, "E100")
    failed(ai_lens("validate-data", "--data-root", tmp_path / "none"), 3, "E100")


def test_a_photo_that_is_none_is_e120(ask, tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")
    assert "a.jpg" in failed(ask(image=tmp_path / "a.jpg"), 3, "E120")
    failed(ask(image=tmp_path / "none.jpg"), 3, "E120")


def test_a_model_that_cannot_be_opened_is_e200_or_e210(ask, onnx_model, tmp_path):
    failed(ask(model=tmp_path / "none.onnx"), 4, "E200")
    (tmp_path / "half.onnx").write_bytes(onnx_model.read_bytes()[:-100])
    failed(ask(model=tmp_path / "half.onnx"), 4, "E210")


def test_a_plugin_that_is_not_installed_is_e4xx(ask, tmp_path, monkeypatch):
    assert "Did you mean 'faiss'?" in failed(ask("--index", "fais"), 5, "E400")
    find = plugins.find
    monkeypatch.setattr(
        plugins, "find", lambda family: [p for p in find(family) if p.name not in ("scann", "pt")]
    )
    assert "pip install ai-lens-scann" in failed(ask("--index", "scann"), 5, "E410")
    (tmp_path / "a.pt").touch()
    failed(ask(model=tmp_path / "a.pt"), 5, "E410")


def test_where_nothing_can_be_written_is_e700(ai_lens, onnx_model, museum, tmp_path):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "A.index"
    done = ai_lens(
        "build-index", "--model", onnx_model, "--data-root", museum, "--place", "A", "--save", target
    )
    failed(done, 7, "E700")


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
    failed(ask("--index-file", saved), 4, "E220")


# --- infer-batch


@pytest.fixture
def captures(draw, tmp_path):
    folder = tmp_path / "captures"
    folder.mkdir()
    for number in range(5):
        draw("disc", "crimson", number).save(folder / f"{number}.jpg")
    return folder


def batch(ai_lens, model, folder, *more):
    return ai_lens("infer-batch", "--model", model, "--place", "A", "--input-dir", folder, *more)


def test_infer_batch_writes_one_line_per_photo(ai_lens, onnx_model, captures, tmp_path):
    target = tmp_path / "results.jsonl"
    done = batch(ai_lens, onnx_model, captures, "--output", target)
    assert (done.status, done.out) == (0, "")
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [line["image"] for line in lines] == [str(captures / f"{number}.jpg") for number in range(5)]
    printed = batch(ai_lens, onnx_model, captures)
    assert printed.out == target.read_text(encoding="utf-8")


def test_a_batch_with_broken_photos_finishes_and_says_so(ai_lens, onnx_model, captures):
    (captures / "2.jpg").write_bytes(b"")
    done = batch(ai_lens, onnx_model, captures)
    assert done.status == 6
    assert ["error" in json.loads(line) for line in done.out.splitlines()] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert "1 of 5 photos could not be read" in done.err


def test_a_batch_that_cannot_start_leaves_the_old_results(ai_lens, onnx_model, captures, tmp_path):
    target = tmp_path / "results.jsonl"
    target.write_text("old")
    done = ai_lens(
        "infer-batch", "--model", onnx_model, "--place", "Z", "--input-dir", captures, "--output", target
    )
    assert done.status == 2
    assert target.read_text() == "old"


@pytest.mark.parametrize("which", ["none", "empty"])
def test_a_batch_of_nothing_is_e100(ai_lens, onnx_model, tmp_path, which):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").write_text("\n")
    failed(batch(ai_lens, onnx_model, tmp_path / which), 3, "E100")
    listed = tmp_path / f"{which}.txt"
    asked = ("infer-batch", "--model", onnx_model, "--place", "A", "--input-list", listed)
    assert str(listed) in failed(ai_lens(*asked), 3, "E100")


def test_a_batch_takes_a_list_of_photos(ai_lens, onnx_model, captures, tmp_path):
    photos = [captures / "3.jpg", captures / "1.jpg", captures / "gone.jpg"]
    listed = tmp_path / "목록.txt"
    listed.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(map(str, [*photos, photos[0]])).encode())
    done = ai_lens("infer-batch", "--model", onnx_model, "--place", "A", "--input-list", listed)
    assert done.status == 6
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["image"] for line in lines] == list(map(str, photos))
    assert lines[2]["error"]["code"] == "E120"


def test_a_batch_needs_a_folder_or_a_list_not_both(ai_lens, onnx_model, captures):
    asked = ("infer-batch", "--model", onnx_model, "--place", "A")
    assert ai_lens(*asked).status == 2
    both = batch(ai_lens, onnx_model, captures, "--input-list", "-")
    assert both.status == 2
    assert "either --input-dir or --input-list" in both.err


def test_a_stopped_batch_goes_on_with_the_same_command_only(ai_lens, onnx_model, captures, tmp_path):
    target = tmp_path / "results.jsonl"
    whole = batch(ai_lens, onnx_model, captures).out
    asked = Batch(Lens(onnx_model), "A")
    with contextlib.suppress(KeyboardInterrupt), ledger_of(target, asked.identity) as ledger:
        for answer in islice(asked.answers(sorted(captures.iterdir())), 2):
            ledger.write(answer)
        raise KeyboardInterrupt
    for other in (("--topk", 1), ("--lang", "en"), ("--reject-threshold", 0.5), ("--index", "faiss")):
        refused = batch(ai_lens, onnx_model, captures, "--output", target, *other)
        assert "begun otherwise" in failed(refused, 2, "E610")
    done = batch(ai_lens, onnx_model, captures, "--output", target)
    assert "2 of 5 photos were answered before" in done.err
    assert target.read_text(encoding="utf-8") == whole
    assert not target.with_name("results.jsonl.part").exists()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_workers_gives_the_same_lines(ai_lens, onnx_model, captures, workers):
    plain = batch(ai_lens, onnx_model, captures).out
    assert batch(ai_lens, onnx_model, captures, "--workers", workers).out == plain
    assert batch(ai_lens, onnx_model, captures, "--keep-decoded").out == plain


# --- export, config, plugins, whole job


def test_export_prints_the_path_it_wrote(ai_lens, run, tmp_path):
    target = tmp_path / "out.onnx"
    done = ai_lens("export", "--ckpt", run.checkpoint, "--onnx", target)
    assert (done.status, done.out) == (0, f"{target}\n")
    assert target.is_file()


def test_of_several_exports_a_mistake_in_the_last_shows_before_the_first_is_made(ai_lens, run, tmp_path):
    ckpt = tmp_path / "a.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    failed(ai_lens("export", "--ckpt", ckpt, "--to", "onnx", "--to", "onx"), 5, "E400")
    failed(ai_lens("export", "--ckpt", ckpt, "--to", "onnx", "--option", "opst=17"), 2, "E600")
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


def test_an_option_may_be_for_one_of_several_exporters(ai_lens, run, tmp_path):
    ckpt = tmp_path / "a.ckpt"
    ckpt.write_bytes(run.checkpoint.read_bytes())
    flags = ["--to", "onnx", "--to", "torchscript", "--option", "onnx.opset=15"]
    done = ai_lens("export", "--ckpt", ckpt, *flags)
    assert done.out.splitlines() == [str(tmp_path / "a.onnx"), str(tmp_path / "a.pt")]
    assert onnx.load(tmp_path / "a.onnx").opset_import[0].version == 15
    failed(ai_lens("export", "--ckpt", ckpt, "--to", "onnx", "--option", "openvino.x=1"), 2, "E600")


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
    assert "A/ㄱ (3), A/ㄴ (3), B/ㄱ (3)" in failed(done, 3, "E110")
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
