"""Two evaluations, photo by photo."""

import pytest

from lens_core.errors import NotEnoughPhotosError, NotEvaluatedError
from lens_core.evaluation.compare import compare
from lens_core.evaluation.past import Past, read


def line(photo, selected, best="jar", kind="exhibit", **unusual):
    usual = {
        "protocol": "folds", "held_out": None, "kind": kind, "place": "A", "photo": photo, "shot": int(photo),
        "item": "jar" if kind == "exhibit" else None, "best_item": best, "selected_item": selected,
    }  # fmt: skip
    return usual | unusual


def past(folder, *lines, data_hash="same"):
    return Past(folder, {"about": {"data_hash": data_hash}}, tuple(lines))


def test_each_changed_photo_is_named_the_worse_first(tmp_path):
    first = past(
        tmp_path / "1",
        line("1", "jar"), line("2", None), line("3", "jar"), line("4", None, kind="ood"), line("5", "cup"),
    )  # fmt: skip
    second = past(
        tmp_path / "2",
        line("1", "jar"), line("2", "jar"), line("3", "cup"), line("4", "jar", kind="ood"), line("5", "bowl"),
    )  # fmt: skip
    found = compare(first, second)
    assert [(change.photo, change.turn) for change in found.changes] == [
        ("3", "worse"), ("4", "worse"), ("2", "better"), ("5", "other"),
    ]  # fmt: skip
    assert found.questions == 5
    assert found.same_photos


def test_the_difference_is_that_of_the_same_photos_with_its_interval(tmp_path):
    first = past(tmp_path / "1", *(line(str(n), "jar" if n < 50 else None) for n in range(100)))
    second = past(tmp_path / "2", *(line(str(n), "jar" if n < 80 else None) for n in range(100)))
    found = {one.figure: one for one in compare(first, second).differences}
    right = found["answered_right"]
    assert (right.first, right.second, right.difference["value"]) == (0.5, 0.8, 0.3)
    # Every photo that changed became right: 30 of 100, whose standard error is 0.046.
    assert right.difference["low"] == pytest.approx(0.3 - 1.96 * 0.046, abs=0.03)
    assert right.difference["high"] == pytest.approx(0.3 + 1.96 * 0.046, abs=0.03)
    assert right.is_clear
    # Nothing changed; of as many photos 3.6 % still could: 1 - 0.025 ** (1 / 100).
    assert found["top1"].difference == {"value": 0, "low": -0.0362, "high": 0.0362}
    assert not found["top1"].is_clear


@pytest.mark.parametrize(("photos", "clear"), [(1, False), (5, False), (6, True)])
def test_a_few_photos_that_agree_prove_little(photos, clear, tmp_path):
    """Six of six by chance alone: 2 / 2 ** 6 = 3.1 %."""
    first = past(tmp_path / "1", *(line(str(n), None) for n in range(photos)))
    second = past(tmp_path / "2", *(line(str(n), "jar") for n in range(photos)))
    found = {one.figure: one for one in compare(first, second).differences}["answered_right"]
    assert (found.difference["value"], found.difference["high"]) == (1, 1)
    assert found.is_clear == clear


def test_only_what_was_asked_in_both_is_compared(tmp_path):
    first = past(tmp_path / "1", line("1", "jar"), line("2", "jar"), line("3", "jar", protocol="holdout"))
    second = past(tmp_path / "2", line("1", "jar"), line("9", None), data_hash="other")
    found = compare(first, second)
    assert (found.questions, found.only_first, found.only_second, found.same_photos) == (1, 2, 1, False)


def test_runs_without_a_common_photo_are_refused(tmp_path):
    with pytest.raises(NotEnoughPhotosError, match="no question in common"):
        compare(past(tmp_path, line("1", "jar")), past(tmp_path, line("2", "jar")))


def test_a_folder_without_an_evaluation_says_what_to_run(tmp_path, ai_lens):
    with pytest.raises(NotEvaluatedError, match=r"there is no summary.json"):
        read(tmp_path)
    done = ai_lens("compare", tmp_path, tmp_path)
    assert done.status == 4
    assert "E240" in done.err
    assert "ai-lens evaluate --save-dir" in done.err


def test_a_damaged_evaluation_is_refused(tmp_path):
    (tmp_path / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(NotEvaluatedError, match="cannot be read"):
        read(tmp_path)
    (tmp_path / "summary.json").write_text('{"format": 1, "about": []}', encoding="utf-8")
    with pytest.raises(NotEvaluatedError, match="'protocols' is missing"):
        read(tmp_path)
