"""A right solution with the names of 2017."""

import numpy as np


def softmax(x):
    if x.ndim == 1:
        x = np.exp(x - x.max())
        return x / x.sum()
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return x / x.sum(axis=1, keepdims=True)
