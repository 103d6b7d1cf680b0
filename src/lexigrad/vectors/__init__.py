"""Word vectors: search, parts of words, precision, files."""
