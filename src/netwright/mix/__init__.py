"""Which finished networks are mixed, what a mix costs, and the kept ones as a file to choose from again."""
