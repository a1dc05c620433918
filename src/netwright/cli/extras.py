"""Packages that the core does without, and the extra that brings each: `pip install 'netwright[EXTRA]'`."""

from __future__ import annotations

EXTRA_OF = {
    "PIL": "image",
    "pyarrow": "parquet",
    "soundfile": "audio",
    "tokenizers": "text",
    "optuna": "train",
    "sympy": "train",
    "torch": "train",
    "jinja2": "train",
    "markupsafe": "train",
    "fastapi": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
    "httptools": "serve",
    "prometheus_client": "serve",
    "python_multipart": "serve",
    "keras": "tensorflow",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "openvino": "openvino",
    "sklearn": "sklearn",
    "ray": "ray",
}
