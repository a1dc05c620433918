"""From files and frames to arrays; knows no network."""
