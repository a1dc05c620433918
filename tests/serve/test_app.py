"""A model of a table over HTTP: the same answers as from the model itself, and errors that name what is wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

import netwright as nw
from netwright.serve.limits import Limits

TARGET = "<b>kind</b>"  # of the table that `conftest` makes
Serve = Callable[..., TestClient]
PROBLEM = "application/problem+json"


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON has them."""
    found = table.drop(columns=TARGET).astype(object)
    return found.where(found.notna(), None).to_dict("records")


def chances(replies: list[dict[str, Any]]) -> np.ndarray:
    """Return the probabilities (N, K) of replies."""
    return np.array([[*reply["probabilities"].values()] for reply in replies])


def test_one_row_is_answered_as_the_model_answers_it(client: TestClient, model: nw.Model, table: pd.DataFrame) -> None:
    """The label, and the probability of each class by its name."""
    reply = client.post("/predict", json=rows_of(table)[3])
    assert reply.status_code == 200 and reply.headers["content-type"] == "application/json"
    found = reply.json()
    assert found["prediction"] == model.predict(table.iloc[[3]])[0]
    assert [*found["probabilities"]] == [*model.labels]
    assert np.abs(chances([found]) - model.predict_proba(table.iloc[[3]])).max() < 1e-5


def test_many_rows_are_answered_in_their_order(client: TestClient, model: nw.Model, table: pd.DataFrame) -> None:
    """As JSON, as CSV in the body, and as CSV in a form: three ways, one answer."""
    text = table.to_csv(index=False)
    replies = [
        client.post("/predict/batch", json=rows_of(table)),
        client.post("/predict/batch", content=text, headers={"content-type": "text/csv; charset=utf-8"}),
        client.post("/predict/batch", files={"file": ("rows.csv", text, "application/vnd.ms-excel")}),
        client.post("/predict/batch", files={"file": ("rows.csv", text, "application/octet-stream")}),
    ]
    for reply in replies:
        assert reply.status_code == 200, reply.text
        assert np.abs(chances(reply.json()) - model.predict_proba(table)).max() < 1e-5
        assert [each["prediction"] for each in reply.json()] == model.predict(table).tolist()


def test_answers_come_as_a_table_if_one_is_wanted(client: TestClient, model: nw.Model, table: pd.DataFrame) -> None:
    """With the columns that `netwright predict --proba` writes."""
    headers = {"content-type": "text/csv", "accept": "text/csv"}
    reply = client.post("/predict/batch", content=table.to_csv(index=False), headers=headers)
    assert reply.headers["content-type"].startswith("text/csv")
    found = pd.read_csv(io.StringIO(reply.text))
    assert [*found.columns] == [TARGET, *(f"{TARGET}={label}" for label in model.labels)]
    assert found[TARGET].tolist() == model.predict(table).tolist()


def test_no_rows_have_no_answers(client: TestClient, model: nw.Model, table: pd.DataFrame) -> None:
    """An empty list, and a table that is a header alone; as a table the answers have their header all the same."""
    assert client.post("/predict/batch", json=[]).json() == []
    header = table.head(0).to_csv(index=False)
    assert client.post("/predict/batch", content=header, headers={"content-type": "text/csv"}).json() == []
    told = client.post("/predict/batch", content=header, headers={"content-type": "text/csv", "accept": "text/csv"})
    assert [*pd.read_csv(io.StringIO(told.text)).columns] == [TARGET, *(f"{TARGET}={one}" for one in model.labels)]


def test_unseen_and_missing_cells_are_answered(client: TestClient, table: pd.DataFrame) -> None:
    """A category never seen, a text in another script, and a row of nothing."""
    row = rows_of(table)[0]
    odd = row | {"class": "mauve\u0000", "note": "完全不同 🦉", "petal.length": -1e300}
    reply = client.post("/predict/batch", json=[odd, dict.fromkeys(row)])
    assert np.isfinite(chances(reply.json())).all()


def test_requests_at_one_time_get_their_own_answers(client: TestClient, model: nw.Model, table: pd.DataFrame) -> None:
    """However they are predicted together; one at fault fails alone."""
    rows, expected = rows_of(table), model.predict_proba(table)

    def ask(place: int) -> tuple[int, Any]:
        bad = {"content-type": "text/csv"} if place % 10 == 0 else None
        if bad:
            return place, client.post("/predict/batch", content="a,b\n1,2\n", headers=bad)
        return place, client.post("/predict", json=rows[place])

    with ThreadPoolExecutor(8) as pool:
        for place, reply in pool.map(ask, range(len(rows))):
            if place % 10 == 0:
                assert reply.status_code == 422
            else:
                assert np.abs(chances([reply.json()]) - expected[[place]]).max() < 1e-5


def test_errors_are_json_with_the_column_at_fault(client: TestClient, table: pd.DataFrame) -> None:
    """Wrong types, missing columns, and both in a list."""
    row = rows_of(table)[0]
    wrong = client.post("/predict", json=row | {"petal.length": "long"})
    assert wrong.status_code == 422 and wrong.headers["content-type"] == PROBLEM
    assert wrong.json()["faults"][0]["column"] == "petal.length" and "'long'" in wrong.json()["detail"]
    del row["lambda"]
    missing = client.post("/predict/batch", json=[rows_of(table)[0], row]).json()
    assert [(fault["row"], fault["column"]) for fault in missing["faults"]] == [(1, "lambda")]
    assert "'lambda'" in missing["detail"]


@pytest.mark.parametrize(
    ("content", "column"),
    [
        ("petal.length,class\n1,red\n", "größe (cm)"),
        ("a\n", "größe (cm)"),
        ("class,class\n1,2\n", "class"),
        ("", None),
        ("\x00\x01\x02" * 100, None),
        ('a,b\n"1,2\n', None),
        ("a,b\n1,2,3\n", None),
        ("PK\x03\x04", None),
    ],
)
def test_tables_that_cannot_be_used_say_why(client: TestClient, content: str, column: str | None) -> None:
    """With the column at fault where there is one."""
    reply = client.post("/predict/batch", content=content.encode(), headers={"content-type": "text/csv"})
    assert reply.status_code == 422
    columns = [fault["column"] for fault in reply.json()["faults"]]
    assert column in columns if column else reply.json()["detail"]


def test_rows_beyond_the_limit_are_refused(client: TestClient, table: pd.DataFrame) -> None:
    """10,001 of them, as JSON and as CSV."""
    row, text = json.dumps(rows_of(table)[0]), table.head(1).to_csv(index=False)
    header, line = text.splitlines()
    listed = f"[{','.join([row] * 10_001)}]"
    assert client.post("/predict/batch", content=listed).status_code == 413
    lines = "\n".join([header, *([line] * 10_001)])
    reply = client.post("/predict/batch", content=lines, headers={"content-type": "text/csv"})
    assert reply.status_code == 413 and "10,000" in reply.json()["detail"]


def test_a_table_of_very_many_columns_is_refused_before_it_is_read(client: TestClient, table: pd.DataFrame) -> None:
    """Each costs time and memory even if nobody asks for it; a thousand more are no matter."""
    text = {"content-type": "text/csv"}
    for mark in ",;\t|":
        header = mark.join(f"x{place}" for place in range(200_000 if mark == "," else 12_000))
        reply = client.post("/predict/batch", content=f"# a comment\n\n{header}\n1\n", headers=text)
        assert reply.status_code == 413 and "10,000 columns" in reply.json()["detail"]
    commas = ",".join(f"x{place}" for place in range(200_000))
    marked, long = f"\ufeff# a comment\n{commas}\n1\n", ",".join(f"{place:0>200}" for place in range(20_000))
    hidden = [
        f"sep=,\n{commas}\n1\n",
        f'"a\nb",{commas}\n1\n',
        marked,
        f"\n{commas}\n1\n".encode("utf-16"),
        f"{long}\n1\n",
    ]
    for content in hidden:  # no such header is the first line of bytes that is neither blank nor a comment, and short
        reply = client.post("/predict/batch", content=content, headers=text)
        assert reply.status_code == 413 and "10,000 columns" in reply.json()["detail"]
    wide = pd.concat(
        [table.head(2), pd.DataFrame(1, index=[0, 1], columns=[f"x{place}" for place in range(1_000)])], axis=1
    )
    assert client.post("/predict/batch", content=wide.to_csv(index=False), headers=text).status_code == 200


def test_ten_thousand_rows_are_answered(client: TestClient, table: pd.DataFrame) -> None:
    """Right at the limit."""
    row = json.dumps(rows_of(table)[0])
    reply = client.post("/predict/batch", content=f"[{','.join([row] * 10_000)}]")
    assert reply.status_code == 200 and len(reply.json()) == 10_000


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/predict", "text/csv", 415),
        ("/predict", "application/xml", 415),
        ("/predict/batch", "image/png", 415),
        ("/predict", "application/json; charset=utf-8", 400),
        ("/predict", "multipart/form-data", 400),
        ("/predict", "multipart/form-data; boundary=x", 400),
    ],
)
def test_types_of_content_are_told_apart(client: TestClient, path: str, kind: str, status: int) -> None:
    """What cannot be read says what could be."""
    reply = client.post(path, content=b"{", headers={"content-type": kind})
    assert reply.status_code == status, reply.text
    assert reply.json()["detail"]


def test_paths_and_methods_that_there_are_not(client: TestClient) -> None:
    """Are errors of the same form, and say so."""
    nowhere, wrong = client.get("/nowhere"), client.get("/predict")
    assert (nowhere.status_code, wrong.status_code) == (404, 405)
    assert nowhere.headers["content-type"] == wrong.headers["content-type"] == PROBLEM
    assert wrong.headers["allow"] == "POST"
    assert client.get("/docs").status_code == 404


def test_a_fault_of_ours_says_nothing_of_the_inside(
    serve: Serve, model: nw.Model, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status 500, and no more than that."""
    client = serve(model)

    def broken(*arguments: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("netwright.serve.tables.replies_of", broken)
    reply = client.post("/predict", json=rows_of(table)[0])
    assert reply.status_code == 500 and "secret" not in reply.text
    assert reply.json()["title"]


def test_the_document_describes_the_columns(client: TestClient, table: pd.DataFrame) -> None:
    """OpenAPI with a typed row, a typed reply, and the statuses that there are."""
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    row = schemas["Row"]["properties"]
    assert [*row] == [name for name in table.columns if name != TARGET]
    assert row["class"]["examples"][0] in ("red", "green", "blue")
    assert row["c1"]["anyOf"] == [{"type": "boolean"}, {"type": "null"}]
    assert schemas["Reply"]["properties"]["prediction"]["enum"] == ["high", "low", "mid"]
    assert {"200", "400", "401", "408", "413", "415", "421", "422", "503"} <= set(
        document["paths"]["/predict"]["post"]["responses"]
    )
    assert "security" not in document


def test_the_facts_are_told(client: TestClient) -> None:
    """What is predicted, from what, and how well."""
    facts = client.get("/model").json()
    assert facts["target"] == TARGET and facts["labels"] == ["high", "low", "mid"]
    kinds = {each["name"]: each["kind"] for each in facts["inputs"]}
    assert kinds["lambda"] == "categorical" and kinds["day of sale"] == "datetime" and kinds["note"] == "text"
    assert "%" in facts["score"] and not facts["secured"]


def test_examples_make_a_row_that_is_answered(client: TestClient) -> None:
    """As the button on the page does."""
    inputs = client.get("/model").json()["inputs"]
    row = {each["name"]: each["examples"][0] if each["examples"] else None for each in inputs}
    assert client.post("/predict", json=row).status_code == 200


def test_the_page_is_one_file_that_loads_nothing(client: TestClient) -> None:
    """Its policy allows its own style and script and no others, and it holds nothing of the model."""
    reply = client.get("/")
    policy = reply.headers["content-security-policy"]
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert policy.count("'sha256-") == 2 and "frame-ancestors 'none'" in policy
    assert "://" not in reply.text.replace('placeholder="', "") and "src=" not in reply.text
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", " onclick="):
        assert unsafe not in reply.text
    assert "kind" not in reply.text.split("<script")[0] and TARGET not in reply.text


def test_every_answer_has_the_headers_that_keep_it_safe(client: TestClient) -> None:
    """Errors too."""
    for reply in (client.get("/"), client.get("/health"), client.get("/nowhere"), client.post("/predict")):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"


def test_health_and_metrics(serve: Serve, model: nw.Model, table: pd.DataFrame) -> None:
    """Every request is counted by its path, all that there are not as one."""
    client = serve(model)
    assert client.get("/health").json() == {"status": "ok"}
    client.post("/predict", json=rows_of(table)[0])
    client.post("/predict", json={})
    for place in range(3):
        client.get(f"/nowhere/{place}")
    text = client.get("/metrics").text
    assert 'netwright_requests_total{path="/predict",status="200"} 1.0' in text
    assert 'netwright_requests_total{path="/predict",status="422"} 1.0' in text
    assert 'netwright_requests_total{path="other",status="404"} 3.0' in text
    assert "netwright_batch_rows_count 1.0" in text
    assert "nowhere" not in text


def test_limits_hold_here_too(serve: Serve, model: nw.Model) -> None:
    """The size of a body, said or sent."""
    client = serve(model, Limits(body=1_000, rows=2))
    assert client.post("/predict", content=b"x" * 1_001).status_code == 413
    assert client.post("/predict", content=iter([b"x" * 600] * 3)).status_code == 413
    assert client.post("/predict", content=b"x" * 999).status_code == 400
