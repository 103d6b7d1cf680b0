"""What the assignment itself gives to its students."""

import numpy as np


def softmax(x):
    exponentials = np.exp(x - x.max())
    return exponentials / exponentials.sum()
