"""From a corpus to a model: what training is made of."""
