"""Predicts with the model.onnx beside this file: python predict.py data.csv > answers.csv.

It needs numpy and onnxruntime, for images Pillow, for sounds soundfile. The graph does all that the model does; what
stands beside this file reads cells as people write them, and decodes files.
"""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cells
import numpy as np
import onnxruntime
from numpy.typing import NDArray


def fed(column: dict[str, str], found: list[str]) -> NDArray[Any]:
    """Return the cells of a column as the graph takes them."""
    if column["kind"] == "image":
        import images

        return np.stack([images.pixels(cell.strip(), column["format"]) for cell in found])
    if column["kind"] == "sound":
        import sounds

        return sounds.samples(found[0].strip(), column["format"])
    return cells.fed(found, column["kind"], column["format"])


def answered(session: onnxruntime.InferenceSession, words: dict[str, str], rows: list[dict[str, str]]) -> list[Any]:
    """Return the label or number of each row."""
    names = [one.name for one in session.get_inputs()]
    if words.get("together"):
        import tokens

        found = tokens.fed(rows)
        return list(session.run(None, {name: found[name] for name in names})[0].tolist())
    inputs: dict[str, NDArray[Any]] = {}
    worded: dict[str, list[str]] = {}
    for column in json.loads(words["columns"]):
        found = [row.get(column["name"]) or "" for row in rows]
        if column["kind"] == "text":
            worded[column["name"]] = [cells.word(cell) for cell in found]
        else:
            inputs[column["name"]] = fed(column, found)
    if worded:
        import texts

        read = json.loads(words["texts"])
        inputs |= texts.fed(worded, read)
        if "word pieces" in read:
            import bert_words

            known, length = read["word pieces"]["known"], read["word pieces"]["length"]
            whole = texts.joined([*worded.values()])
            inputs["netwright: word pieces"] = bert_words.word_pieces(whole, known, length)
    answers = session.run(None, {name: inputs[name] for name in names})[0]
    return list(answers.tolist())


def batches(table: list[dict[str, str]], words: dict[str, str]) -> Iterator[list[dict[str, str]]]:
    """Yield rows that are fed together, as many as the graph says; tokens of a sentence stay together."""
    size, start = int(words["rows"]), 0
    while start < len(table):
        end = start + size
        while words.get("together") and end < len(table) and table[end]["sentence"] == table[end - 1]["sentence"]:
            end += 1
        yield table[start:end]
        start = end


def read(path: str, words: dict[str, str]) -> list[dict[str, str]]:
    """Return the rows of a table, or the tokens of a file of sentences."""
    if words.get("together"):
        import tokens

        return tokens.read(path)
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    engine = onnxruntime.InferenceSession(Path(__file__).with_name("model.onnx"))
    about = engine.get_modelmeta().custom_metadata_map
    all_rows = read(sys.argv[1], about)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([about["target"]])
    for batch in batches(all_rows, about):
        writer.writerows([answer] for answer in answered(engine, about, batch))
