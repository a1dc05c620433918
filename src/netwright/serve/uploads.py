"""The parts of a request: its body, or the files of a form that is in it."""

from __future__ import annotations

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from netwright.serve.form import MULTIPART, Part
from netwright.serve.problems import Refusal

MOST_FILES = 1_000
MOST_FIELDS = 100  # of a form, beside its files; they are not looked at


def media_type(header: str | None) -> str:
    """Return a media type in small letters, without parameters; empty where there is none.

    >>> media_type("Text/CSV; charset=utf-8"), media_type(None)
    ('text/csv', '')
    """
    return (header or "").partition(";")[0].strip().lower()


async def parts_of(request: Request) -> list[Part]:
    """Return the files of a form, or the body as the only part.

    Raises:
        Refusal: if a form cannot be read, or holds no file.
    """
    kind = media_type(request.headers.get("content-type"))
    if kind != MULTIPART:
        return [Part(kind, await request.body())]
    try:
        async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            parts = [Part(media_type(file.content_type), await file.read(), file.filename or "") for file in files]
    except HTTPException as error:
        raise Refusal(400, f"The form cannot be read: {str(error.detail).rstrip('.').lower()}.") from error
    if not parts:
        raise Refusal(422, "The form holds no file. Send one by the name file.")
    return parts
