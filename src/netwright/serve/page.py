"""The page on which a person tries the model: one file, the same for every model.

It asks the server for the columns and builds its form of them as text, so nothing that a model holds is ever read as
HTML. The policy names the hashes of its one style and its one script: nothing else is loaded, run or sent anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

_TEXT = files("netwright.serve").joinpath("page.html").read_text("utf-8")


def _hash_of(tag: str) -> str:
    """Return the hash of the content of the only element of a kind, as a source in a Content-Security-Policy."""
    begin = _TEXT.index(">", _TEXT.index(f"<{tag}")) + 1
    content = _TEXT[begin : _TEXT.index(f"</{tag}>")]
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


PAGE_BYTES = _TEXT.encode()
PAGE_POLICY = "; ".join(
    [
        "default-src 'none'",
        f"script-src {_hash_of('script')}",
        f"style-src {_hash_of('style')}",
        "connect-src 'self'",
        "img-src blob: data:",
        "media-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
