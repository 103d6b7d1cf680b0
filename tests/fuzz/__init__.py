"""Coverage-guided fuzzing of every reader: hostile bytes go in, and a value or a LexigradError comes out.

docs/concepts/hostile-input.md says how it is used.
"""
