"""From finished trials to a model: kept, mixed or distilled, measured, told of."""
