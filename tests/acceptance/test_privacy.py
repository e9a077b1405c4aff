"""With --strip-pii, nothing that is written says who took the photos, where, or whose computer this is."""

import base64
import io
import json
import re
import shutil
import zipfile

import pytest
from PIL import Image

SECRETS = ("Kim Curator", "kim.curator", "SN-4711-0815", "37.5796", "SecretMotto")
XMP = b"<x:xmpmeta><rdf:Description dc:creator='SecretMotto kim.curator'/></x:xmpmeta>"


def marked(path):
    """The photo at ``path`` with an owner, a serial number, a position and XMP in its metadata."""
    exif = Image.Exif()
    exif[0x013B] = "Kim Curator"  # Artist
    exif.get_ifd(0x8769)[0xA431] = "SN-4711-0815"  # BodySerialNumber
    exif.get_ifd(0x8825)[2] = (37.0, 34.0, 46.56)  # GPSLatitude
    exif.get_ifd(0x8825)[29] = "37.5796"  # GPSDateStamp, as text to look for
    with Image.open(path) as image:
        image.load()
    image.save(path, quality=92, exif=exif, xmp=XMP)


@pytest.fixture(scope="module")
def home(museum, tmp_path_factory):
    """A curator's home folder with marked photos."""
    home = tmp_path_factory.mktemp("home") / "kim.curator"
    shutil.copytree(museum, home / "data")
    for path in (home / "data").rglob("*.jpg"):
        marked(path)
    return home


def secrets_in(content):
    """Which secrets stand in these bytes, also inside a zip or a page's pictures, as UTF-8 or UTF-16."""
    found = {word for word in SECRETS if word.encode() in content or word.encode("utf-16-le") in content}
    for picture in re.findall(rb"base64,([A-Za-z0-9+/=]+)", content):
        found |= secrets_in(base64.b64decode(picture))
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                found |= secrets_in(archive.read(name))
    return found


def test_the_photos_do_carry_secrets(home):
    photo = next((home / "data").rglob("*.jpg"))
    assert secrets_in(photo.read_bytes()) == set(SECRETS)


def test_nothing_written_carries_one(home, tiny_settings, ai_lens, tmp_path, monkeypatch):
    out, data = tmp_path / "out", home / "data"
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(out / "cache"))
    weights = shutil.copy(tiny_settings.weights, home / "tiny.safetensors")
    backbone = ("--backbone", tiny_settings.backbone, "--weights", weights)
    size = ("--img-size", tiny_settings.img_size, "--embedding", tiny_settings.embedding_dim)
    front = ("--strip-pii", "--data-root", data)
    train = ai_lens(*front, "train", *backbone, *size, "--save-dir", out / "run", "--export-onnx")
    assert train.status == 0, train.err
    model = out / "run" / "best.onnx"
    asked = ("--model", model, "--place", "A")
    assert ai_lens(*front, "build-index", *asked, "--data-root", data, "--save", out / "A.index").status == 0
    (data / "A" / "ㄱ" / "broken.jpg").write_bytes(b"no photo")
    batch = ("infer-batch", *asked, "--input-dir", data / "A" / "ㄱ", "--output", out / "answers.jsonl")
    assert ai_lens(*front, *batch).status == 6
    monkeypatch.setenv("AI_LENS_WEIGHTS", str(weights))  # the suggestion carries on what was set
    pages = ("--html", out / "photos.html", "--suggest", out / "curation.yaml")
    validated = ai_lens(*front, "validate-data", "--data-root", data, "--json", *pages)
    (data / "A" / "ㄱ" / "broken.jpg").unlink()
    (out / "validated.json").write_text(validated.out)
    written = [path for path in out.rglob("*") if path.is_file()]
    names = {
        "best.ckpt",
        "best.onnx",
        "A.index",
        "answers.jsonl",
        "settings.yaml",
        "photos.html",
        "curation.yaml",
    }
    assert names <= {path.name for path in written}
    leaks = {path.name: secrets_in(path.read_bytes()) for path in written}
    assert {name: secrets for name, secrets in leaks.items() if secrets} == {}
    lines = [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]
    named = [line["image"] for line in lines]
    assert "broken.jpg" in named
    assert set(named) == {path.name for path in (data / "A" / "ㄱ").iterdir()} | {"broken.jpg"}
