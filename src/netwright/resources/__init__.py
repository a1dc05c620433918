"""What a run may take: time, memory, cores; and what a model may cost."""
