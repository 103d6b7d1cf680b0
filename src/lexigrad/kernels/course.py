"""The course experiment at full speed: Python's random numbers, and the sampling and the steps that they drive.

A generator is the state of ``random.Random(seed)`` as one array: the 624 words of the Mersenne Twister and the place of
the next one. Here it goes on from there and gives, draw for draw, the numbers of Python's `random`.

Source: Matsumoto and Nishimura 1998, "Mersenne twister: a 623-dimensionally equidistributed uniform pseudo-random
number generator"; how `random` makes floats and ranges of its words stands in Python's documentation and source.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.compile import kernel, kernel_with

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Doubles, Int32s, Int64s, UInt32s

__all__ = ["Sampling", "negative_sampling", "random_below", "random_unit", "random_word", "thin", "train_steps"]

WORDS = 624
FAR = 397
UPPER = np.uint32(0x80000000)
LOWER = np.uint32(0x7FFFFFFF)
TWIST = np.uint32(0x9908B0DF)
FIRST_MASK = np.uint32(0x9D2C5680)
SECOND_MASK = np.uint32(0xEFC60000)


class Sampling(NamedTuple):
    """The text and the noise from which contexts and negatives are drawn."""

    tokens: Int32s  # word ids, one sentence after the other
    ends: Int64s  # where each sentence ends
    noise: Int32s  # a word id in each slot
    contexts: int  # contexts in a step
    negatives: int  # negatives for each outside word
    window: int  # the widest window


@kernel
def twist(generator: UInt32s) -> None:
    """Renew all words of the generator."""
    for i in range(WORDS):
        y = (generator[i] & UPPER) | (generator[(i + 1) % WORDS] & LOWER)
        odd = TWIST if y & np.uint32(1) else np.uint32(0)
        generator[i] = generator[(i + FAR) % WORDS] ^ (y >> np.uint32(1)) ^ odd
    generator[WORDS] = 0


@kernel
def random_word(generator: UInt32s) -> Any:
    """``random.getrandbits(32)``."""
    if generator[WORDS] >= WORDS:
        twist(generator)
    y = generator[generator[WORDS]]
    generator[WORDS] += np.uint32(1)
    y ^= y >> np.uint32(11)
    y ^= (y << np.uint32(7)) & FIRST_MASK
    y ^= (y << np.uint32(15)) & SECOND_MASK
    return y ^ (y >> np.uint32(18))


@kernel
def random_unit(generator: UInt32s) -> float:
    """``random.random()``: 53 bits, 27 of one word and 26 of the next."""
    high = np.int64(random_word(generator) >> np.uint32(5))
    low = np.int64(random_word(generator) >> np.uint32(6))
    return (high * 67108864.0 + low) / 9007199254740992.0


@kernel
def random_below(generator: UInt32s, n: int) -> Any:
    """``random.randint(0, n - 1)``: as many bits as n has, drawn again while they are n or more."""
    shift = np.uint32(32 - math.frexp(n)[1])  # the exponent of n is the number of its bits
    drawn = np.int64(random_word(generator) >> shift)
    while drawn >= n:
        drawn = np.int64(random_word(generator) >> shift)
    return drawn


@kernel
def thin(generator: UInt32s, tokens: Int32s, ends: Int64s, rejection: Doubles, copies: int) -> Any:
    """Copy all sentences, leave out each token with its word's probability, then sentences of fewer than two tokens.

    Returns:
        The tokens kept and the ends of their sentences.
    """
    kept = np.empty(copies * tokens.size, np.int32)
    kept_ends = np.empty(copies * ends.size, np.int64)
    count = sentences = 0
    for _ in range(copies):
        begin = 0
        for end in ends:
            first = count
            for place in range(begin, end):
                probability = rejection[tokens[place]]
                if probability <= 0 or random_unit(generator) >= probability:
                    kept[count] = tokens[place]
                    count += 1
            if count - first >= 2:
                kept_ends[sentences] = count
                sentences += 1
            else:
                count = first
            begin = end
    return kept[:count].copy(), kept_ends[:sentences].copy()


@kernel
def train_steps(
    generator: UInt32s, sampling: Sampling, V: Doubles, U: Doubles, width: int, rates: Doubles, losses: Doubles
) -> int:
    """One step for each learning rate, its mean loss written down.

    V and U stand still until all contexts of a step are drawn. For d_U it is enough to keep δ of each word drawn, as
    d_u_w = δ_w v_c (`negative_sampling`).

    Args:
        generator: read and advanced.
        sampling: a `Sampling`.
        V: float64 (words, dim), changed in place.
        U: float64 (words, dim), changed in place.
        width: the width of the first context, drawn before.
        rates: float64 (steps,).
        losses: float64 (steps,), written.

    Returns:
        The width drawn for the context after the last.
    """
    outside = np.empty(2 * sampling.window, np.int64)
    centers = np.empty(sampling.contexts, np.int64)
    d_centers = np.empty((sampling.contexts, V.shape[1]))
    owners = np.empty(sampling.contexts * outside.size, np.int64)  # whose outside word a row of drawn words belongs to
    drawn = np.empty((owners.size, 1 + sampling.negatives), np.int64)
    deltas = np.empty(drawn.shape)
    for i in range(rates.size):
        loss, pairs = 0.0, 0
        d_centers[:] = 0
        for j in range(sampling.contexts):
            centers[j], words = draw_context(generator, sampling, width, outside)
            for o in outside[:words]:
                draw_negatives(generator, sampling.noise, o, drawn[pairs])
                loss += negative_sampling(V[centers[j]], U, drawn[pairs], d_centers[j], deltas[pairs])
                owners[pairs] = centers[j]
                pairs += 1
            width = 1 + random_below(generator, sampling.window)
        losses[i] = loss / sampling.contexts
        rate = rates[i] / sampling.contexts
        for pair in range(pairs):
            descend_outside(U, drawn[pair], deltas[pair], V[owners[pair]], rate)
        for j in range(sampling.contexts):
            V[centers[j]] -= rate * d_centers[j]
    return width


@kernel
def draw_context(generator: UInt32s, sampling: Sampling, width: int, outside: Int64s) -> Any:
    """Draw a center word and write the words around it; returns the center word and how many are around it."""
    tokens, ends = sampling.tokens, sampling.ends
    words, center = 0, 0
    while words == 0:
        sentence = random_below(generator, ends.size)
        begin = ends[sentence - 1] if sentence > 0 else 0
        end = ends[sentence]
        position = begin + random_below(generator, end - begin)
        center = tokens[position]
        for place in range(max(begin, position - width), min(end, position + width + 1)):
            if tokens[place] != center:
                outside[words] = tokens[place]
                words += 1
    return center, words


@kernel
def draw_negatives(generator: UInt32s, noise: Int32s, o: int, drawn: Int64s) -> None:
    """Write the outside word o, and the words drawn besides it."""
    drawn[0] = o
    for k in range(1, drawn.size):
        drawn[k] = o
        while drawn[k] == o:
            drawn[k] = noise[random_below(generator, noise.size)]


@kernel_with(error_model="numpy")
def negative_sampling(v_c: Doubles, U: Doubles, drawn: Int64s, d_v_c: Doubles, deltas: Doubles) -> float:
    """The gradient for one outside word, ``drawn[0]``, and its negatives: `lexigrad.reference.negative_sampling`.

    J = −log σ(u_o·v_c) − Σ_k log σ(−u_k·v_c), d_v_c = Σ_w δ_w u_w, d_u_w = δ_w v_c once per draw, with
    δ_o = σ(u_o·v_c) − 1 and δ_k = σ(u_k·v_c). Adds to ``d_v_c`` and writes ``deltas``.

    Returns:
        The loss J.
    """
    loss = 0.0
    for k in range(drawn.size):
        u_w = U[drawn[k]]
        sign = 1.0 if k == 0 else -1.0
        score = 0.0
        for i in range(v_c.size):
            score += u_w[i] * v_c[i]
        score *= sign
        decay = math.exp(-abs(score))  # at most 1, so that no score overflows
        loss += math.log1p(decay) + max(0.0, -score)  # −log σ(score)
        delta = -sign * (1.0 if score < 0 else decay) / (1.0 + decay)  # −sign · σ(−score)
        for i in range(v_c.size):
            d_v_c[i] += delta * u_w[i]
        deltas[k] = delta
    return loss


@kernel
def descend_outside(U: Doubles, drawn: Int64s, deltas: Doubles, v_c: Doubles, rate: float) -> None:
    """u_w ← u_w − rate · δ_w v_c for each word drawn, twice for one drawn twice."""
    for k in range(drawn.size):
        u_w, step = U[drawn[k]], rate * deltas[k]
        for i in range(v_c.size):
            u_w[i] -= step * v_c[i]
