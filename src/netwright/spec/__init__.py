"""Networks, recipes and spaces as values; knows no framework."""
