"""Replicas: the same bytes on any engine, from anywhere; merging as in the reference; what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from contract import planted_sentences, topic_precision
from drawn import check_share, threshold_of, trained_sentences
from engine_simulator import SimulatedEngine
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import lexigrad
from lexigrad import ConfigError, InputError, TrainConfig, reference
from lexigrad.engines.interface import LostValueError
from lexigrad.engines.threads import ThreadEngine
from lexigrad.kernels.compiler.rowshape import row_parts
from lexigrad.kernels.draws import alias_table, keep_thresholds
from lexigrad.kernels.sgd import replicas as kernels
from lexigrad.kernels.sgd.tables import Table
from lexigrad.training.replicas import alone as alone_module
from lexigrad.training.replicas import run as run_module
from lexigrad.training.replicas import schedule as plan_module
from lexigrad.training.replicas.calls import Directions, merge_range, moments
from lexigrad.training.replicas.changes import Changes, Pair, apply_changes, changes_of
from lexigrad.training.replicas.schedule import plan_of
from lexigrad.training.replicas.trainer import KEPT, Setup, Share, Trainer
from lexigrad.training.sgd import negative_sampling as sgd_module
from lexigrad.training.sgd.run import Span
from lexigrad.training.sgd.stepsize import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lexigrad.engines.interface import Engine

SMALL = TrainConfig(dim=20, min_count=1, epochs=10, replicas=3, threads=2, seed=3, loss_sample=200)


def rare_sentences(sentences: int = 250) -> list[list[str]]:
    """Few common words and many rare ones, some of which a replica does not meet in an interval."""
    random = np.random.default_rng(5)
    words = np.minimum(random.zipf(1.3, (sentences, 9)), 400)
    return [[f"w{word}" for word in row] for row in words.tolist()]


@pytest.fixture(scope="module")
def corpus() -> Any:
    with lexigrad.read_corpus(rare_sentences(), SMALL) as corpus:
        yield corpus


@pytest.fixture(autouse=True)
def few_hot_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small vocabularies have rows of both kinds."""
    monkeypatch.setattr(run_module, "HOT_ROWS", 64)


def test_replicas_drop_the_share_of_words_that_they_should_and_other_words_in_each_epoch() -> None:
    trained = trained_sentences(replicas=2, epochs=10, subsample=threshold_of(0.2))
    check_share(trained, 0.2, 10)


def trained(corpus: Any, config: TrainConfig, engine: Engine | None = None, **how: Any) -> bytes:
    model = lexigrad.train(corpus, config, engine=engine, **how)
    return model.V.tobytes() + model.U.tobytes()


@pytest.fixture(scope="module")
def expected(corpus: Any) -> bytes:
    """The bytes that all are to have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "HOT_ROWS", 64)
        return trained(corpus, SMALL)


@pytest.mark.parametrize(("workers", "threads"), [(1, 1), (2, 2), (3, 6)])
def test_any_number_of_workers_and_threads_gives_the_same_bytes(
    corpus: Any, expected: bytes, workers: int, threads: int
) -> None:
    with ThreadEngine(workers, threads) as engine:
        assert trained(corpus, SMALL, engine) == expected


@pytest.mark.parametrize("seed", range(3))
def test_late_results_and_deaths_change_no_byte(corpus: Any, expected: bytes, seed: int) -> None:
    with SimulatedEngine(1 + seed, seed=seed, deaths=0.1) as engine:
        assert trained(corpus, SMALL, engine) == expected
        assert engine.died > 10


@pytest.mark.parametrize("lost", [1.0, 0.2])
def test_a_worker_that_has_lost_its_tables_makes_them_anew(
    corpus: Any, expected: bytes, monkeypatch: pytest.MonkeyPatch, lost: float
) -> None:
    random, take = np.random.default_rng(1), KEPT.take
    losses = []

    def forgetful(run: str, replica: int, step: int) -> Any:
        kept = take(run, replica, step)
        if kept is not None and random.random() < lost:
            losses.append(step)
            return None
        return kept

    monkeypatch.setattr(KEPT, "take", forgetful)
    assert trained(corpus, SMALL) == expected
    assert len(losses) > 30


@pytest.mark.parametrize("seed", range(4))
def test_a_run_whose_values_are_lost_goes_back_to_the_tables_it_has(corpus: Any, expected: bytes, seed: int) -> None:
    with SimulatedEngine(1 + seed, seed=seed, deaths=0.05, losses=0.007) as engine:
        assert trained(corpus, SMALL, engine) == expected
        assert engine.lost


def test_a_loss_before_workers_have_heard_of_the_last_merge_changes_no_byte(
    corpus: Any, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LosingEngine(SimulatedEngine):
        """Loses a value whenever the tables have just been kept: those of the workers are not merged yet."""

        loses = False
        losses = 0

        def get(self, refs: Any) -> Any:
            if self.loses:
                self.loses, self.losses = False, self.losses + 1
                raise LostValueError("a value was lost with a machine")
            return super().get(refs)

    move = run_module._Replicas._move_anchor

    def moved(run: Any, merged: Any) -> None:
        move(run, merged)
        run.engine.loses = True

    monkeypatch.setattr(run_module._Replicas, "_move_anchor", moved)
    with LosingEngine(2, seed=1, deaths=0.0) as engine:
        assert trained(corpus, SMALL, engine) == expected
        assert engine.losses > 1


def test_a_run_whose_values_are_always_lost_ends(corpus: Any) -> None:
    with SimulatedEngine(2, losses=1.0) as engine, pytest.raises(LostValueError):
        trained(corpus, SMALL, engine)
    assert engine.lost < 200


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_replicas_find_the_planted_topics(model: Any) -> None:
    config = TrainConfig(model=model, dim=20, min_count=1, subsample=0.0, epochs=10, replicas=4, threads=2)
    assert topic_precision(lexigrad.train(planted_sentences(), config)) > 0.95


def test_one_replica_is_training_as_ever(corpus: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "train_replicas", None)
        assert trained(corpus, replace(SMALL, replicas=1, epochs=1))


def test_nothing_is_kept_when_a_run_has_ended(corpus: Any, expected: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that lost values, as some above, may leave a little until others come."""
    monkeypatch.setattr(KEPT, "_tables", {})
    monkeypatch.setattr(KEPT, "_trainers", {})
    assert trained(corpus, SMALL) == expected
    assert (KEPT._tables, KEPT._trainers) == ({}, {})


# -------------------- one worker, and no replicas

ALONE = TrainConfig(dim=20, min_count=1, epochs=3, threads=2, seed=3, loss_sample=200)


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is asked every 1,000 tokens, and the tables come here at every other time."""
    monkeypatch.setattr(sgd_module._Together, "span", 500)
    monkeypatch.setattr(alone_module, "LONG_SPAN", 500)
    monkeypatch.setattr(alone_module, "SEGMENT_SPANS", 2)
    monkeypatch.setattr(alone_module, "ANCHOR_EVERY", 2)


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("options", [{}, {"model": "cbow", "schedule": "cosine"}])
def test_without_replicas_a_worker_gives_the_bytes_of_this_process(corpus: Any, options: Any) -> None:
    config = replace(ALONE, **options)
    here = trained(corpus, config)
    for engine in (ThreadEngine(2), SimulatedEngine(seed=4, deaths=0.5)):
        with engine:
            assert trained(corpus, config, engine) == here
    with pytest.MonkeyPatch.context() as patch, ThreadEngine(1) as engine:
        patch.setattr(KEPT, "take", lambda *_: None)
        assert trained(corpus, config, engine) == here


@pytest.mark.usefixtures("short_segments")
def test_without_replicas_a_run_goes_on_from_a_checkpoint_of_another_engine(corpus: Any, tmp_path: Path) -> None:
    here, path = trained(corpus, ALONE), tmp_path / "out.safetensors"
    how: Any = {"checkpoints": lexigrad.Checkpoints(path, every="epoch"), "progress": stopping(corpus.words * 2)}
    with ThreadEngine(1) as engine, pytest.raises(KeyboardInterrupt):
        trained(corpus, ALONE, engine, **how)
    assert trained(corpus, ALONE, checkpoints=lexigrad.Checkpoints(path, every="epoch", resume=True)) == here


@pytest.mark.parametrize(
    ("options", "sentence"), [({"loss": "naive_softmax"}, "naive softmax"), ({"deterministic": False}, "race")]
)
def test_what_an_engine_cannot_do_is_refused(corpus: Any, options: Any, sentence: str) -> None:
    with ThreadEngine(1) as engine, pytest.raises(InputError, match=sentence):
        lexigrad.train(corpus, replace(ALONE, **options), engine=engine)


def test_what_is_no_engine_is_refused(corpus: Any) -> None:
    with pytest.raises(InputError, match=r"engine must be one that .*open_engine opened, not 'local'"):
        lexigrad.train(corpus, SMALL, engine="local")


def test_ray_gives_the_same_bytes(corpus: Any, expected: bytes, on_ray: Callable[[int], Engine]) -> None:
    for workers in (1, 3):
        assert trained(corpus, SMALL, on_ray(workers)) == expected
    assert trained(corpus, ALONE, on_ray(2)) == trained(corpus, ALONE)


# -------------------- going on


def stopping(words: int) -> Callable[[Any], None]:
    def progress(seen: Any) -> None:
        if seen.words_done >= words:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("engine", [None, "threads", "simulator"])
def test_an_interrupted_run_goes_on_to_the_same_bytes_on_any_engine(
    corpus: Any, expected: bytes, tmp_path: Path, engine: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lexigrad.training import monitor

    monkeypatch.setattr(monitor, "REPORT_SECONDS", 0.0)
    path = tmp_path / "out.safetensors"
    checkpoints = lexigrad.Checkpoints(path, every="epoch")
    with pytest.raises(KeyboardInterrupt):
        trained(corpus, SMALL, checkpoints=checkpoints, progress=stopping(corpus.words * 4))
    engines = {None: lambda: None, "threads": lambda: ThreadEngine(1, 2), "simulator": lambda: SimulatedEngine(seed=2)}
    again = lexigrad.Checkpoints(path, every="epoch", resume=True)
    assert trained(corpus, SMALL, engines[engine](), checkpoints=again) == expected


def test_losses_records_and_early_stopping_are_those_of_every_epoch(corpus: Any) -> None:
    config = replace(SMALL, early_stop=9)
    model = lexigrad.train(corpus, config, validation=rare_sentences(20))
    assert [record["epoch"] for record in model.history] == list(range(1, 11))
    losses = [record["validation"]["negative_sampling"] for record in model.history]
    assert losses[-1] < losses[0]


def test_a_model_is_trained_further_by_replicas(corpus: Any) -> None:
    first = lexigrad.train(corpus, replace(SMALL, replicas=1))
    further = lexigrad.train(corpus, SMALL, start=first)
    assert not np.array_equal(first.V, further.V)
    assert further.history[0]["loss"] < lexigrad.train(corpus, SMALL).history[0]["loss"]


def test_a_rate_at_which_training_runs_away_is_refused(corpus: Any) -> None:
    with np.errstate(all="ignore"), pytest.raises(ConfigError, match="smaller learning_rate"):
        trained(corpus, replace(SMALL, learning_rate=1e30, loss_sample=0))


# -------------------- merging


@given(st.data())
def test_a_merged_range_is_as_in_the_reference(data: st.DataObject) -> None:
    dim, rows, replicas = (data.draw(st.integers(1, most)) for most in (9, 5, 5))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    Q = np.linalg.qr(random.normal(size=(dim, dim)))[0][: data.draw(st.integers(1, dim))].astype(np.float32)
    slopes = random.exponential(size=len(Q) + 1)
    updates = random.exponential(size=rows) * 2
    base = random.normal(size=(rows, dim)).astype(np.float32)
    changes = []
    for _ in range(replicas):
        touched = np.flatnonzero(random.random(rows) < 0.7).astype(np.int32)
        codes = random.integers(-127, 128, (len(touched), dim)).astype(np.int8)
        changes.append(Changes(touched + 7, random.random(len(touched)).astype(np.float32), codes))
    pairs = [Pair(change, change) for change in changes]
    directions = Directions(Q, slopes)
    new, changed = merge_range(7, Pair(base, base), Pair(directions, directions), Pair(updates, updates), None, *pairs)
    for row in range(rows):
        found = [c.scales[c.rows == row + 7][0] * c.codes[c.rows == row + 7][0] for c in changes if row + 7 in c.rows]
        if not found:
            assert_array_equal(new.V[row], base[row])
            continue
        should = reference.merged_row(base[row], found, Q, slopes * updates[row])
        most = np.abs(should - base[row]).max()
        assert_allclose(new.V[row], should, atol=most / 127 / 2 + 1e-5 * np.abs(found).sum())
    assert_array_equal(np.union1d([], np.concatenate([c.rows for c in changes])), changed.V.rows)
    assert_array_equal(new.V, new.U)


def test_the_sums_of_commonest_rows_are_their_second_moments() -> None:
    random = np.random.default_rng(0)
    rows, weights = random.normal(size=(30, 7)).astype(np.float32), random.random(30)
    assert_allclose(np.triu(rows.T * weights @ rows), moments(rows, weights), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dim", [5, 16, 20, 100])
def test_changes_come_back_from_the_wire_within_half_a_code(dim: int) -> None:
    random, shape = np.random.default_rng(0), row_parts(dim, 2)
    table, base = Table(150, dim, shape), Table(150, dim, shape)
    before = random.normal(size=(150, dim)).astype(np.float32)
    after = before.copy()
    after[5:90:2] += random.normal(size=(43, dim)).astype(np.float32)
    before[91], after[91] = 0, 1e-33
    base.put(before)
    table.put(after)
    layout = kernels.layout_of(shape, dim)
    changes = changes_of(layout, dim, table.floats, base.floats, 3, 100)
    assert_array_equal(changes.rows, [*range(5, 90, 2), 91])
    assert changes.scales[-1] == 0
    apply_changes(layout, changes, base.floats, table.floats)
    assert_array_equal(base.rows(), table.rows())
    assert_allclose(table.rows(), after, atol=float(changes.scales.max()) / 2 * 1.0001 + 1e-6)
    untouched = np.setdiff1d(np.arange(150), changes.rows)
    assert_array_equal(table.rows()[untouched], before[untouched])


def test_a_number_that_is_not_finite_is_noticed() -> None:
    shape = row_parts(20, 2)
    for value in (np.nan, np.inf):
        table, base = Table(70, 20, shape), Table(70, 20, shape)
        table.put(np.full((70, 20), value, np.float32))
        with pytest.raises(ConfigError, match="training ran away"):
            changes_of(kernels.layout_of(shape, 20), 20, table.floats, base.floats, 0, 70)


# -------------------- shares and intervals


@pytest.mark.parametrize("options", [{}, {"model": "cbow"}, {"window": 10, "negatives": 20}])
def test_a_share_is_trained_by_the_draws_that_the_whole_text_has_there(corpus: Any, options: Any) -> None:
    config = replace(SMALL, **options)
    ids = np.asarray(corpus.ids)
    first = int(plan_of(config, ids).cuts[1])
    found = []
    for share, start in ((Share(ids, 0), first), (Share(ids[first:], first), 0)):
        keep = keep_thresholds(corpus.vocabulary.keep_probability(config.subsample))
        alias = alias_table(corpus.vocabulary.noise_distribution(config.noise_exponent))
        setup = Setup("", len(corpus.vocabulary), config.seed, settings_of(config, ids), keep, alias)
        trainer = Trainer(setup, 1)
        V, U = trainer.new_tables()
        V.fill(1)
        trainer.train(share, [Span(3, start, len(share.ids), 0.05, 0.02)], V, U)
        found.append(V.floats.tobytes() + U.floats.tobytes())
    assert found[0] == found[1]


@given(st.integers(2, 9), st.integers(10, 60), st.integers(10, 5_000), st.integers(1, 300))
def test_every_token_is_trained_once_an_epoch(replicas: int, epochs: int, tokens: int, length: int) -> None:
    ids = np.zeros(tokens, np.int32)
    ids[length - 1 :: length] = -1
    plan = plan_of(replace(SMALL, replicas=replicas, epochs=epochs), ids)
    seen = np.zeros(tokens, int)
    for replica in range(replicas):
        for step in range(plan.intervals):
            epoch, start, stop = plan.span(replica, step)
            assert epoch == 0
            seen[plan.cuts[replica] + start : plan.cuts[replica] + stop] += 1
    assert (seen == 1).all()
    assert plan.is_full(plan.intervals - 1)
    assert plan.is_full(plan.steps - 1)


def test_merges_follow_from_the_length_of_the_run() -> None:
    long = np.zeros(40_000_000, np.int32)
    plan = plan_of(replace(SMALL, replicas=8, epochs=5), long)
    assert sum(map(plan.is_full, range(plan.steps))) == 25 + 8  # in the warm-up each interval
    assert plan.tokens == 100_000
    assert plan_of(replace(SMALL, replicas=8, epochs=1), long).intervals == 250


def test_a_run_too_short_is_refused_with_what_to_do() -> None:
    text = np.zeros(2_000_000, np.int32)
    config = replace(SMALL, epochs=2, replicas=16)
    refusal = "16 replicas would be merged fewer than 10 times in 2 epochs of 2,000,000 tokens, and learn badly; "
    with pytest.raises(ConfigError, match=refusal + "take 8, or at least 10 epochs"):
        plan_of(config, text)
    assert plan_of(replace(config, replicas=8), text).steps == 100
    assert plan_of(replace(config, epochs=10), text).steps == 200
    with pytest.raises(ConfigError, match="take 1, or"):
        plan_of(config, text[:5000])
    assert plan_module.LEAST_MERGES == 10


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"solver": "exact"}, "exact has none"),
        ({"solver": "svd"}, "svd has none"),
        ({"loss": "naive_softmax"}, "naive_softmax has none"),
        ({"deterministic": False}, "cannot race"),
        ({"replicas": 0}, "at least 1"),
    ],
)
def test_what_replicas_cannot_do_is_refused(options: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig(**{"replicas": 2, **options})
