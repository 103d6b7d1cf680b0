"""From a corpus to a model: what trains it, watches it and measures it."""
