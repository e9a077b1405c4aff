"""Every way a photo is stored has one documented outcome, whoever asks: a program, or the command line."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from golden_table import GOLDEN, NAMES, Shows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lens_core.errors import DataError
from lens_core.photos.decode import decode

pytest.importorskip("pillow_heif", reason="HEIC photos are made with pillow-heif").register_heif_opener()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """data/A/ㄱ with every golden file."""
    folder = tmp_path_factory.mktemp("golden") / "A" / "ㄱ"
    folder.mkdir(parents=True)
    for name, (make, _) in GOLDEN.items():
        (folder / name).write_bytes(make())
    return folder


def outcome(source):
    """The photo, or the error."""
    try:
        return decode(source)
    except DataError as error:
        return error


@NAMES
def test_a_golden_file_comes_out_as_documented(folder, name):
    found, expected = outcome(folder / name), GOLDEN[name][1]
    if not isinstance(expected, Shows):
        assert found.code == expected
        assert str(folder / name) in found.what
        return
    height, width = found.pixels.shape[:2]
    colours = [
        found.pixels[y, x] for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)
    ]
    np.testing.assert_allclose(np.array(colours, int), expected.colours, atol=expected.within)
    assert found.notes == expected.notes
    assert (found.width, found.height) == (width, height) == expected.size


@NAMES
def test_the_bytes_of_a_golden_file_are_the_same_photo_as_the_file(folder, name):
    path = folder / name
    by_path, by_bytes = outcome(path), outcome(path.read_bytes())
    if isinstance(by_path, DataError):
        assert (by_bytes.code, by_bytes.what) == (by_path.code, by_path.what.replace(str(path), "the photo"))
    else:
        np.testing.assert_array_equal(by_bytes.pixels, by_path.pixels)
        sizes = [(photo.width, photo.height, photo.notes) for photo in (by_path, by_bytes)]
        assert sizes[0] == sizes[1]


def test_the_command_line_refuses_the_same_golden_files_in_the_same_words(folder, ai_lens):
    done = ai_lens("validate-data", "--data-root", folder.parents[1], "--min-images", 1, "--json")
    assert done.status == 3
    said = {
        Path(remark["path"]).name: (remark["check"], _within_the_data(remark["text"], folder))
        for remark in json.loads(done.out)["remarks"]
        if remark["level"] == "error"
    }
    found = {name: outcome(folder / name) for name in GOLDEN}
    refused = {name: error for name, error in found.items() if isinstance(error, DataError)}
    assert said == {name: (e.code, _within_the_data(e.what, folder)) for name, e in refused.items()}
    assert set(refused) == {name for name, (_, expected) in GOLDEN.items() if not isinstance(expected, Shows)}


def _within_the_data(text, folder):
    """Reports name photos from the data folder on; whoever passes a path reads that path."""
    return text.replace(f"{folder.parents[1]}/", "")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(GOLDEN)), data=st.data())
def test_a_damaged_golden_file_is_a_photo_or_a_data_error(folder, name, data):
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        spot = data.draw(st.integers(0, min(len(content), 5000)))
        match data.draw(st.sampled_from(["flip", "insert", "remove", "cut"])):
            case "flip" if spot < len(content):
                content[spot] ^= data.draw(st.integers(1, 255))
            case "insert":
                content[spot:spot] = data.draw(st.binary(min_size=1, max_size=12))
            case "remove":
                del content[spot : spot + data.draw(st.integers(1, 200))]
            case "cut":
                del content[spot + data.draw(st.integers(0, 5000)) :]
    with contextlib.suppress(DataError):
        photo = decode(bytes(content))
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.ndim == 3
        assert max(photo.pixels.shape) <= 1024
