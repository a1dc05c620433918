"""The program beside an exported graph reads files as people have them, and needs nothing of Netwright."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from PIL import Image, UnidentifiedImageError

import netwright as nw
from netwright.build.pretrained import installed_encoder
from netwright.data.images import decode as decode_image
from netwright.data.size import Size
from netwright.data.wave import as_wave
from netwright.export.onnx import write_onnx
from netwright.pretrained.extended import extend
from netwright.pretrained.trunks import ENCODER, text_trunk
from netwright.spec.network import seen_by_trunk
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.testing.models import model_of, untrained_model

REFUSED = ("netwright", "torch", "pandas", "pyarrow", "pydantic", "onnx", "sklearn", "scipy", "tokenizers")
"""Packages that the program may not import, as where they are not installed."""


def program(folder: Path, data: str) -> list[str]:
    """Return what `python predict.py DATA` prints, line by line, where the packages above are not there."""
    code = (
        f"import sys\nfor name in {REFUSED!r}: sys.modules[name] = None\n"
        "import runpy\n"
        f"sys.path.insert(0, '.')\nsys.argv = ['predict.py', {data!r}]\n"
        "runpy.run_path('predict.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_table_is_read(tmp_path: Path) -> None:
    """Numbers, dates, words and what is missing, as `netwright predict` reads them."""
    table, target = TASKS["tabular"].toy(0)
    model = untrained_model(TASKS["tabular"], table.drop(columns="note"), target)
    write_onnx(model, tmp_path / "out")
    asked = table.drop(columns=["note", target])
    asked.loc[3:9, ["colour", "size"]] = None
    asked.loc[5:7, "day"] = pd.NaT
    asked.to_csv(tmp_path / "out" / "new.csv", index=False)
    assert program(tmp_path / "out", "new.csv") == [target, *model.predict(asked)]


def test_the_program_is_short() -> None:
    """Pages that anybody can read before running them."""
    programs = [*(Path(nw.__file__).parent / "export" / "companion").glob("*.py")]
    assert len(programs) == 8
    programs.append(Path(nw.__file__).parent / "data" / "bert_words.py")
    assert max(len(program.read_text().splitlines()) for program in programs) < 100


def test_texts_are_read_in_any_script(tmp_path: Path) -> None:
    """Words, pieces and bytes of texts beside other columns; a missing one, letters with marks, and of all planes."""
    generator = np.random.default_rng(0)
    words = np.array(["good", "très bien", "好的地方", "हिन्दी भाषा", "bad!", "awful 👎", "ужасно", "cold"])
    kind = generator.integers(0, 2, 200)
    texts = [
        " ".join(generator.choice(words[:4] if one else words[4:], 6)) + f" {generator.integers(99)}" for one in kind
    ]
    table = pd.DataFrame({"review": texts, "stars": generator.integers(1, 6, 200) * 1.0, "kind": kind})
    task = TASKS["text"]
    loaded = task.load(Request(table, "kind", {"review": "text"}, "auto"))
    prepared = task.prepare(loaded, 0)
    points = {
        str(one["encoding"] if one["input"] == "sequence" else one["input"]): one
        for one in task.portfolio(prepared, 200)
    }
    chosen = [task.candidate(points[name], prepared) for name in ("bag", "pieces", "bytes")]
    model = model_of(task, prepared, chosen, folds=1)
    parity = write_onnx(model, tmp_path / "out")
    assert parity.difference < 1e-4
    asked = table.drop(columns="kind")
    asked.loc[3, "review"] = None
    asked.loc[4, "review"] = "ﬁne 日本 𝔘nicode हिन्दी\nsecond line, " * 50
    asked.to_csv(tmp_path / "out" / "new.csv", index=False)
    assert program(tmp_path / "out", "new.csv") == ["kind", *map(str, model.predict(asked))]


@pytest.mark.slow
def test_texts_are_read_as_a_trained_encoder_reads_them(tmp_path: Path) -> None:
    """The encoder is a part of the graph, and the program finds its pieces of words without a package."""
    task, (table, target) = TASKS["text"], TASKS["text"].toy(0)
    folder = installed_encoder(ENCODER)
    assert folder is not None
    loaded = task.load(Request(table[:60], target, {}, "auto"))
    prepared = extend(task.prepare(loaded, 0), loaded.frame, text_trunk(folder, 60, None))
    candidates = [task.candidate(point, prepared) for point in task.portfolio(prepared, 60)]
    model = model_of(task, prepared, [one for one in candidates if seen_by_trunk(one.network)][:1], folds=1)
    parity = write_onnx(model, tmp_path / "out")
    assert parity.difference < 1e-4 and parity.rows >= 1_000
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    assert "netwright: word pieces" in [one.name for one in session.get_inputs()]
    asked = table.drop(columns=target).iloc[:50].copy()
    asked.loc[3, "review"] = None
    asked.loc[4, "review"] = "Größe: naïve 東京, don't! " * 40
    asked.to_csv(tmp_path / "out" / "new.csv", index=False)
    assert program(tmp_path / "out", "new.csv") == [target, *map(str, model.predict(asked))]


def test_sounds_are_heard_at_any_rate(tmp_path: Path) -> None:
    """Mono and stereo, at the rate of the model and at twice that; each has its own length."""
    pytest.importorskip("soundfile")
    table, target = TASKS["audio"].toy(0)
    model = untrained_model(TASKS["audio"], table, target, parts=2)
    out = tmp_path / "out"
    assert write_onnx(model, out).difference < 1e-4
    paths = []
    for place, sound in enumerate(table["sound"][:12]):
        (out / f"{place}.wav").write_bytes(sound)
        paths.append(f"{place}.wav")
    pd.DataFrame({"sound": paths}).to_csv(out / "new.csv", index=False)
    expected = model.predict(table.iloc[:12]).tolist()
    assert program(out, "new.csv") == [target, *expected]
    doubled = np.sin(np.arange(8_000) / 9) * 0.3
    (out / "0.wav").write_bytes(as_wave(doubled, 16_000))
    assert len(program(out, "new.csv")) == 13


def test_images_are_decoded_in_any_size(tmp_path: Path) -> None:
    """Of other sizes than those learnt from, in colour, transparent, and turned by their camera."""
    table, target = TASKS["image"].toy(0)
    model = untrained_model(TASKS["image"], table, target, parts=2)
    out = tmp_path / "out"
    write_onnx(model, out)
    for place in range(8):
        image = Image.fromarray(table["image"][place]).resize((12 + 5 * place, 12 + 3 * place))
        image.convert(["L", "RGB", "RGBA", "P"][place % 4]).save(out / f"{place}.png")
    names = [f"{place}.png" for place in range(8)]
    pd.DataFrame({"image": names}).to_csv(out / "new.csv", index=False)
    expected = model.predict(pd.DataFrame({"image": [str(out / name) for name in names]})).tolist()
    assert program(out, "new.csv") == [target, *expected]


def beside(name: str) -> ModuleType:
    """Return a file that lies beside graphs, as a module."""
    spec = spec_from_file_location(f"beside_{name}", Path(nw.__file__).parent / "export" / "companion" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rows_are_fed_as_the_graph_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many together as it has room for, and the tokens of a sentence with each other."""
    monkeypatch.syspath_prepend(str(Path(nw.__file__).parent / "export" / "companion"))
    batches = beside("predict").batches
    rows = [{"sentence": str(place // 40)} for place in range(1_000)]
    assert [len(batch) for batch in batches(rows, {"rows": "300"})] == [300, 300, 300, 100]
    assert [len(batch) for batch in batches(rows, {"rows": "300", "together": "sentence"})] == [320, 320, 320, 40]
    for name in ("cells", "numerals", "moments"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_every_mode_are_decoded_alike(mode: str, channels: int, tmp_path: Path) -> None:
    """Bit for bit as Netwright decodes them, those of more than eight bits too."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    wide = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    if mode in wide:
        image = Image.fromarray(pixels[:, :, 0].astype(wide[mode]) * 16)
    else:
        image = Image.fromarray(pixels).convert(mode)
    path = tmp_path / "image.tiff"
    image.save(path)
    with Image.open(path) as kept:
        assert kept.mode == mode
    found = beside("images").pixels(str(path), f"12x16x{channels}")
    assert np.array_equal(found, decode_image(path, Size(12, 16, channels)))


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_large_images_of_many_bits_are_decoded_alike(kind: type, tmp_path: Path) -> None:
    """Piece by piece, with one range for all of them."""
    path = tmp_path / "image.tiff"
    Image.fromarray((np.arange(1_200 * 1_000).reshape(1_200, 1_000) % 3_001).astype(kind)).save(path)
    assert np.array_equal(beside("images").pixels(str(path), "12x16x1"), decode_image(path, Size(12, 16, 1)))


def test_only_images_of_known_formats_are_opened(tmp_path: Path) -> None:
    """For some of the others Pillow would run a program."""
    path = tmp_path / "image.ppm"
    Image.new("L", (4, 4)).save(path)
    with pytest.raises(UnidentifiedImageError):
        beside("images").pixels(str(path), "4x4x1")


def test_samples_that_are_no_numbers_are_silent(tmp_path: Path) -> None:
    """As Netwright hears them: else one of them would make the answer none."""
    soundfile = pytest.importorskip("soundfile")
    wave = np.sin(np.arange(800, dtype=np.float32) / 9)
    wave[[3, 5, 7]] = np.nan, np.inf, -np.inf
    soundfile.write(tmp_path / "odd.wav", wave, 8_000, subtype="FLOAT")
    found = beside("sounds").samples(str(tmp_path / "odd.wav"), "64x100 of 10000us to 4000Hz")
    heard, _ = import_module("netwright.data.sounds").decode(str(tmp_path / "odd.wav"))
    assert np.array_equal(found[0], heard)
    assert found[0, 3] == found[0, 5] == found[0, 7] == 0


@pytest.mark.parametrize("parts", [1, 6], ids=["chains", "mix"])
def test_tokens_are_tagged_in_their_sentences(parts: int, tmp_path: Path) -> None:
    """From a table and from columns as those of CoNLL; of one token, of many, and with signs of other scripts."""
    data, target = TASKS["tagging"].toy(0)
    model = untrained_model(TASKS["tagging"], data, target, parts=parts)
    assert model.parts[0].candidate.network.chained
    assert write_onnx(model, tmp_path / "out").difference < 1e-4
    asked = data.drop(columns=target)
    odd = pd.DataFrame({"sentence": [900, 901, 901], "token": ["日本語", "𝔘nﬁ2,5", "É-5"]})
    asked = pd.concat([asked] * 4 + [odd], ignore_index=True)
    assert len(asked) > 2_000
    asked.to_csv(tmp_path / "out" / "new.csv", index=False)
    said = [str(tag) for tag in model.predict(asked)]
    assert program(tmp_path / "out", "new.csv") == [target, *said]
    edges = np.r_[False, np.diff(asked["sentence"]) != 0]
    lines = ["\n" * int(edge) + f"{token}\tO" for edge, token in zip(edges, asked["token"], strict=True)]
    (tmp_path / "out" / "new.conll").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert program(tmp_path / "out", "new.conll") == [target, *said]
