"""Networks that others have trained: found, looked through, and carried by a model."""
