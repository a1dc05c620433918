"""The application: routes, the OpenAPI document made from the columns of the model, and errors as JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from netwright._version import __version__
from netwright.errors import DataError
from netwright.model import Model
from netwright.serve.batches import Batcher
from netwright.serve.bearer import Token
from netwright.serve.facts import Facts, facts_of
from netwright.serve.form import CSV, JSON, Form, Part, Reply
from netwright.serve.forms import form_of
from netwright.serve.gate import HEALTH, PAGE, Gate
from netwright.serve.inputs import inputs_of
from netwright.serve.lane import FAULT_OF_OURS, Lane, written
from netwright.serve.limits import Limits
from netwright.serve.metrics import CONTENT_TYPE, Metrics
from netwright.serve.page import PAGE_BYTES, PAGE_POLICY
from netwright.serve.problems import JSON_TYPE, Problem, Refusal, problem_responses, title
from netwright.serve.tables import as_csv, is_csv
from netwright.serve.uploads import parts_of

ONE, MANY, FACTS, METRICS, OPENAPI = "/predict", "/predict/batch", "/model", "/metrics", "/openapi.json"
PATHS = frozenset({PAGE, HEALTH, ONE, MANY, FACTS, METRICS, OPENAPI})
ALWAYS = (401, 408, 413, 421, 503)  # statuses that any request may have
REFUSED = (400, 415, 422, *ALWAYS)  # those of a request with rows


class Health(BaseModel):
    """That the server answers."""

    status: str = "ok"


def make_app(model: Model, limits: Limits, token: Token | None, metrics: Metrics, *, local: bool = False) -> Gate:
    """Return what serves a model, as an ASGI application.

    Args:
        model: what answers; it is asked twice here, so that no request waits for what is loaded at first use.
        limits: what is refused.
        token: what a request has to carry; None where everybody is let in.
        metrics: told of every request and batch, with the labels of `PATHS`.
        local: whether only programs of this machine are answered.
    """
    inputs = inputs_of(model)
    form = form_of(model, inputs, limits)
    batcher = Batcher(form.predict, limits.rows, metrics.batch, form.weigh)
    batcher.warm_up(form.warm)
    target = model.preparation.schema.target.name
    app = FastAPI(title=f"Netwright: {target}", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    _add_predictions(app, model, form, batcher)
    _add_facts(app, facts_of(model, inputs, limits, secured=token is not None), metrics)
    _add_errors(app)
    document = json.dumps(_document(app, form, secured=token is not None)).encode()
    app.add_route(OPENAPI, partial(_fixed, document, JSON), include_in_schema=False)
    short = Lane(app, ONE, lambda body: _one(form, batcher, [Part(JSON, body)]))
    return Gate(short if JSON in form.one_schema else app, limits, token, metrics, local=local)


def _add_predictions(app: FastAPI, model: Model, form: Form, batcher: Batcher) -> None:
    described: dict[str, Any] = {"response_model": None, "tags": ["predictions"]}
    reply = {"$ref": "#/components/schemas/Reply"}

    @app.post(
        ONE,
        summary="Predict one row",
        responses={**_answered({JSON: reply}), **problem_responses(*REFUSED)},
        openapi_extra={"requestBody": _body(form.one_schema)},
        **described,
    )
    async def predict(request: Request) -> Response:
        return _json(await _one(form, batcher, await parts_of(request)))

    listed: dict[str, Any] = {JSON: {"type": "array", "items": reply}}
    if form.of_csv is not None:
        listed[CSV] = {"type": "string"}

    @app.post(
        MANY,
        summary="Predict many rows",
        description="A list of rows, or a file of them. With `Accept: text/csv` the answers are a table too.",
        responses={**_answered(listed), **problem_responses(*REFUSED)},
        openapi_extra={"requestBody": _body(form.many_schema)},
        **described,
    )
    async def predict_batch(request: Request) -> Response:
        parts = await parts_of(request)
        if form.of_csv is not None and is_csv(parts):
            replies = await _asked(batcher.alone(partial(form.of_csv, parts[0].content)))
        else:
            replies = await _asked(batcher.replies(form.many(parts)))
        if form.of_csv is not None and CSV in request.headers.get("accept", ""):
            return Response(as_csv(model, replies), media_type=CSV)
        return _json(replies)


def _add_facts(app: FastAPI, facts: Facts, metrics: Metrics) -> None:
    described = facts.model_dump_json().encode()

    @app.get(PAGE, response_class=HTMLResponse, summary="A page to try the model on", tags=["for people"])
    async def page() -> Response:
        return Response(PAGE_BYTES, media_type="text/html", headers={"content-security-policy": PAGE_POLICY})

    @app.get(FACTS, response_model=Facts, responses=problem_responses(*ALWAYS), summary="What is served")
    async def facts_route() -> Response:
        return Response(described, media_type=JSON)

    @app.get(HEALTH, response_model=Health, summary="Whether the server answers", tags=["operation"])
    async def health() -> Response:
        return Response(b'{"status":"ok"}', media_type=JSON)

    @app.get(METRICS, response_class=Response, summary="Counters for Prometheus", tags=["operation"])
    async def metrics_route() -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE})


async def _one(form: Form, batcher: Batcher, parts: list[Part]) -> Reply:
    return (await _asked(batcher.replies(form.one(parts))))[0]


async def _asked(replies: Awaitable[list[Reply]]) -> list[Reply]:
    """Return replies; what a user can put right in the data becomes a refusal.

    Raises:
        Refusal: if there is something.
    """
    try:
        return await replies
    except DataError as error:
        raise Refusal(422, str(error)) from error


def _json(found: Any) -> Response:
    return Response(written(found), media_type=JSON)


async def _fixed(content: bytes, media_type: str, request: Request) -> Response:
    return Response(content, media_type=media_type)


# --- errors ----------------------------------------------------------------------------------------------------------


def _add_errors(app: FastAPI) -> None:
    handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        Refusal: _on_refusal,
        HTTPException: _on_http,
        Exception: _on_fault_of_ours,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _on_refusal(request: Request, error: Refusal) -> Response:
    return Response(error.body(), error.status, error.headers, JSON_TYPE)


async def _on_http(request: Request, error: HTTPException) -> Response:
    words = {404: f"There is nothing at {request.url.path[:100]!r}. See {OPENAPI}.", 405: "The method is not allowed."}
    refusal = Refusal(error.status_code, words.get(error.status_code, title(error.status_code)), headers=error.headers)
    return await _on_refusal(request, refusal)


async def _on_fault_of_ours(request: Request, error: Exception) -> Response:
    return await _on_refusal(request, FAULT_OF_OURS)


# --- the OpenAPI document ----------------------------------------------------------------------------------------


def _body(schemas: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in schemas.items()}}


def _answered(schemas: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    content = {kind: {"schema": schema} for kind, schema in schemas.items()}
    return {200: {"description": "The answers, in the order of the rows.", "content": content}}


def _document(app: FastAPI, form: Form, *, secured: bool) -> dict[str, Any]:
    """Return the OpenAPI document, with the schemas of rows and replies."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem, "Reply": form.reply_schema} | form.components
    if secured:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        document["paths"][HEALTH]["get"]["security"] = []
    return document
