"""What stands in the names of the inputs of graphs, and in their shapes."""

BATCH = "batch"
FEATURE = "netwright: "
"""In front of the names of what is fed beside the columns of a table."""
