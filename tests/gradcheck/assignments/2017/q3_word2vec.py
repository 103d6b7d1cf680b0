"""A right solution with the names of 2017."""

import numpy as np
from q1_softmax import softmax
from q2_sigmoid import sigmoid


def normalizeRows(x):
    return x / np.sqrt((x**2).sum(axis=1, keepdims=True))


def softmaxCostAndGradient(predicted, target, outputVectors, dataset):
    delta = softmax(outputVectors @ predicted)
    cost = -np.log(delta[target : target + 1])  # of shape (1,), as one often sees it
    delta[target] -= 1
    return cost, outputVectors.T @ delta, np.outer(delta, predicted)


def negSamplingCostAndGradient(predicted, target, outputVectors, dataset, K=10):
    indices = [target]
    while len(indices) <= K:
        drawn = dataset.sampleTokenIdx()
        if drawn != target:
            indices.append(drawn)
    signs = np.array([1.0] + K * [-1.0])
    p = sigmoid(signs * (outputVectors[indices] @ predicted))
    at_scores = (p - 1) * signs
    grad = np.zeros_like(outputVectors)
    for index, slope in zip(indices, at_scores, strict=True):
        grad[index] += slope * predicted
    return -np.log(p).sum(), at_scores @ outputVectors[indices], grad


def skipgram(
    currentWord,
    C,
    contextWords,
    tokens,
    inputVectors,
    outputVectors,
    dataset,
    word2vecCostAndGradient=softmaxCostAndGradient,
):
    cost, gradIn, gradOut = 0.0, np.zeros_like(inputVectors), np.zeros_like(outputVectors)
    center = tokens[currentWord]
    for word in contextWords:
        one, gradPred, grad = word2vecCostAndGradient(inputVectors[center], tokens[word], outputVectors, dataset)
        cost += one
        gradIn[center] += gradPred
        gradOut += grad
    return cost, gradIn, gradOut


def cbow(
    currentWord,
    C,
    contextWords,
    tokens,
    inputVectors,
    outputVectors,
    dataset,
    word2vecCostAndGradient=softmaxCostAndGradient,
):
    gradIn = np.zeros_like(inputVectors)
    context = [tokens[word] for word in contextWords]
    predicted = inputVectors[context].sum(axis=0)
    cost, gradPred, gradOut = word2vecCostAndGradient(predicted, tokens[currentWord], outputVectors, dataset)
    for index in context:
        gradIn[index] += gradPred
    return cost, gradIn, gradOut
