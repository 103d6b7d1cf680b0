"""A right solution with the names of 2019 to 2024; tests put one mistake each into copies of it."""

import numpy as np
from utils import softmax


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    y_hat = softmax(outsideVectors @ centerWordVec)
    loss = -np.log(y_hat[outsideWordIdx])
    delta = y_hat.copy()
    delta[outsideWordIdx] -= 1
    gradCenterVec = outsideVectors.T @ delta
    gradOutsideVecs = np.outer(delta, centerWordVec)
    return loss, gradCenterVec, gradOutsideVecs


def getNegativeSamples(outsideWordIdx, dataset, K):
    negatives = []
    while len(negatives) < K:
        drawn = dataset.sampleTokenIdx()
        if drawn != outsideWordIdx:
            negatives.append(drawn)
    return negatives


def negSamplingLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset, K=10):
    negatives = getNegativeSamples(outsideWordIdx, dataset, K)
    p_o = sigmoid(outsideVectors[outsideWordIdx] @ centerWordVec)
    p_k = sigmoid(outsideVectors[negatives] @ centerWordVec)
    loss = -np.log(p_o) - np.log(1 - p_k).sum()
    gradCenterVec = (p_o - 1) * outsideVectors[outsideWordIdx] + p_k @ outsideVectors[negatives]
    gradOutsideVecs = np.zeros_like(outsideVectors)
    gradOutsideVecs[outsideWordIdx] = (p_o - 1) * centerWordVec
    np.add.at(gradOutsideVecs, negatives, np.outer(p_k, centerWordVec))
    return loss, gradCenterVec, gradOutsideVecs


def skipgram(
    currentCenterWord,
    windowSize,
    outsideWords,
    word2Ind,
    centerWordVectors,
    outsideVectors,
    dataset,
    word2vecLossAndGradient=naiveSoftmaxLossAndGradient,
):
    loss = 0.0
    gradCenterVecs = np.zeros_like(centerWordVectors)
    gradOutsideVectors = np.zeros_like(outsideVectors)
    center = word2Ind[currentCenterWord]
    for word in outsideWords:
        print("now", word)  # as one leaves it behind
        one, gradCenter, gradOutside = word2vecLossAndGradient(
            centerWordVec=centerWordVectors[center],
            outsideWordIdx=word2Ind[word],
            outsideVectors=outsideVectors,
            dataset=dataset,
        )
        loss += one
        gradCenterVecs[center] += gradCenter
        gradOutsideVectors += gradOutside
    return loss, gradCenterVecs, gradOutsideVectors
