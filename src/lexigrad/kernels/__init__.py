"""Compiled loops: text to ids, and one training step a block of tokens. Nothing here is imported until it is used."""
