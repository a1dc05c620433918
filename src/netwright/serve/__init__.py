"""A model over HTTP: typed requests, answers for one row or many, a page to try it on, and limits for strangers.

What a request goes through: `connection` (its head, in time) → `gate` (token, size, time, how many at once) → `app` →
`forms` (bytes to rows) → `batches` (rows that wait together) → `forms` (rows to replies).
"""
