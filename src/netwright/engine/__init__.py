"""One run: its bench, its trials from asked to told, what it keeps of them, and how it goes on after a cut."""
