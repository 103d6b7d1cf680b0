"""From text to numbers: readers of text, vocabularies, phrases, window counts."""
