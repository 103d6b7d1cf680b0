"""Predicts held-out edges of networkx's real graphs from node vectors: `python benchmarks/link_prediction.py`.

Of each graph a fifth of the edges is held out, so that what is left stays connected. Random walks on the rest, made by
networkx, are trained on, and the held-out edges are ranked among all pairs of nodes that have none: by the cosine of
their vectors, by the score that training fits, and by networkx's indices of common neighbors. Writes the areas under
the ROC curve, of 20 splits, to results/link_prediction.json. The figures are the same on every machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from sklearn.metrics import roc_auc_score

import lexigrad
from lexigrad.files.atomic import atomic_write

RESULTS = Path(__file__).parent / "results" / "link_prediction.json"
GRAPHS = ("les_miserables_graph", "karate_club_graph")
SPLITS, SHARE, WALKS_A_NODE, STEPS = 20, 0.2, 20, 20
OPTIONS: dict[str, Any] = {"dim": 32, "window": 10, "epochs": 5, "min_count": 1, "subsample": 0}
INDICES = {
    "Adamic-Adar": nx.adamic_adar_index,
    "resource allocation": nx.resource_allocation_index,
    "Jaccard": nx.jaccard_coefficient,
    "preferential attachment": nx.preferential_attachment,
}


def without_some_edges(graph: Any, rng: np.random.Generator) -> tuple[Any, list[tuple[int, int]]]:
    """The graph without a share of its edges, still connected, and these edges."""
    left, held_out = graph.copy(), []
    edges = list(graph.edges)
    for edge in rng.permutation(edges).tolist():
        kept = dict(left.edges[edge])
        left.remove_edge(*edge)
        if nx.has_path(left, *edge):
            held_out.append(tuple(edge))
        else:
            left.add_edge(*edge, **kept)
        if len(held_out) == round(SHARE * len(edges)):
            break
    return left, held_out


def areas(graph: Any, seed: int) -> dict[str, float]:
    """For each way of ranking pairs the area under the ROC curve on one split."""
    rng = np.random.default_rng(seed)
    left, held_out = without_some_edges(graph, rng)
    others = list(nx.non_edges(graph))
    pairs, truth = np.array(held_out + others), [1] * len(held_out) + [0] * len(others)
    found = {
        name: roc_auc_score(truth, [score for _, _, score in index(left, pairs.tolist())])
        for name, index in INDICES.items()
    }
    walks = nx.generate_random_paths(left, WALKS_A_NODE * len(left), path_length=STEPS, seed=rng)
    model = lexigrad.train(walks, lexigrad.TrainConfig(seed=seed, **OPTIONS))
    rows = [model.vocabulary.word_ids[str(node)] for node in range(len(left))]
    V, U = model.V[rows], model.U[rows]
    units = V / np.linalg.norm(V, axis=1, keepdims=True)
    a, b = pairs.T
    found["cosine"] = roc_auc_score(truth, (units[a] * units[b]).sum(axis=1))
    found["score"] = roc_auc_score(truth, (V[a] * U[b] + V[b] * U[a]).sum(axis=1))
    return {name: float(area) for name, area in found.items()}


def main() -> None:
    """Measure, print, write."""
    report: dict[str, Any] = {"splits": SPLITS, "held_out": SHARE, "walks_a_node": WALKS_A_NODE, "steps": STEPS}
    report |= {"options": OPTIONS, "networkx": nx.__version__, "graphs": {}}
    for name in GRAPHS:
        graph = nx.convert_node_labels_to_integers(getattr(nx, name)())
        splits = [areas(graph, seed) for seed in range(SPLITS)]
        each = {way: np.array([split[way] for split in splits]) for way in splits[0]}
        report["graphs"][name] = {
            way: {"mean": float(values.mean()), "standard_deviation": float(values.std(ddof=1))}
            for way, values in each.items()
        } | {"score_better_than_adamic_adar": int((each["score"] > each["Adamic-Adar"]).sum())}
        print(name, json.dumps(report["graphs"][name], indent=1))
    with atomic_write(RESULTS) as file:
        file.write(json.dumps(report, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
