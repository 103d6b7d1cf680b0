"""Training by stochastic gradient descent: the contract for each model, progress, errors, reading what is given."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from contract import TrainerContract, planted_sentences, topic_precision
from drawn import NegativesContract, SubsampleContract
from places import TESTS

import lexigrad
from lexigrad import CorpusError, InputError, TrainConfig, TrainProgress, Vocabulary
from lexigrad.kernels.sgd.barrier import Gate
from lexigrad.training import monitor as monitor_module
from lexigrad.training.sgd import negative_sampling as sgd_module
from lexigrad.training.sgd import stepsize
from lexigrad.training.sgd.run import Run

if TYPE_CHECKING:
    from pathlib import Path


class TestSkipgram(TrainerContract, SubsampleContract, NegativesContract):
    options: ClassVar[dict[str, object]] = {"model": "skipgram"}


class TestCbow(TrainerContract, SubsampleContract, NegativesContract):
    options: ClassVar[dict[str, object]] = {"model": "cbow"}


class TestCbowAsInWord2vec(TrainerContract, SubsampleContract, NegativesContract):
    options: ClassVar[dict[str, object]] = {"model": "cbow", "cbow_update": "word2vec"}


class TestRacing(TrainerContract, SubsampleContract, NegativesContract):
    options: ClassVar[dict[str, object]] = {"deterministic": False}

    def test_any_number_of_threads_gives_the_same_bytes_every_time(self) -> None:
        """Not here: only one thread does."""
        first, second = (lexigrad.train(planted_sentences(500), self.config(epochs=2)) for _ in range(2))
        assert first.V.tobytes() + first.U.tobytes() == second.V.tobytes() + second.U.tobytes()


SMALL = TrainConfig(dim=8, min_count=1, epochs=3, threads=2)


BOTH = pytest.mark.parametrize("deterministic", [True, False])


@pytest.fixture
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads look up every 500 tokens."""
    monkeypatch.setattr(sgd_module._Together, "span", 500)
    monkeypatch.setattr(sgd_module._Races, "span", 500)
    monkeypatch.setattr(monitor_module, "REPORT_SECONDS", 1e-4)


@BOTH
@pytest.mark.usefixtures("short_spans")
def test_progress_grows_to_the_whole_and_the_rate_falls_to_its_end(deterministic: bool) -> None:
    seen: list[TrainProgress] = []
    config = replace(SMALL, deterministic=deterministic)
    lexigrad.train(planted_sentences(2_000), config, progress=seen.append)
    words = [step.words_done for step in seen]
    assert words == sorted(words)
    assert words[-1] == seen[-1].words_total == 2_000 * 12 * 3
    assert seen[-1].learning_rate == 0
    assert seen[-1].epoch == 3
    assert seen[-1].words_per_second > 0


def test_the_calling_thread_hears_of_progress() -> None:
    names = set()
    lexigrad.train(planted_sentences(50), SMALL, progress=lambda _: names.add(threading.current_thread().name))
    assert names == {threading.current_thread().name}


@BOTH
@pytest.mark.usefixtures("short_spans")
def test_ctrl_c_stops_every_thread(deterministic: bool) -> None:
    def interrupt(_: TrainProgress) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    config = TrainConfig(min_count=1, epochs=10_000, threads=3, deterministic=deterministic)
    with pytest.raises(KeyboardInterrupt):
        lexigrad.train(planted_sentences(1_000), config, progress=interrupt)
    assert threading.active_count() == before


@pytest.mark.parametrize("engine", [sgd_module._Together, sgd_module._Races])
def test_an_error_in_one_thread_reaches_the_caller_and_nobody_waits_for_it(
    engine: type[sgd_module._NegativeSampling], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine._train

    def fail_in_one(run: sgd_module._NegativeSampling, thread: int) -> None:
        if thread == 1:
            raise MemoryError("no more")
        real(run, thread)

    monkeypatch.setattr(engine, "_train", fail_in_one)
    config = replace(SMALL, deterministic=engine is sgd_module._Together, threads=3)
    before = threading.active_count()
    with pytest.raises(MemoryError, match="no more"):
        lexigrad.train(planted_sentences(100), config)
    assert threading.active_count() == before


@pytest.mark.parametrize("engine", [sgd_module._Together, sgd_module._Races])
def test_spans_do_not_change_what_one_thread_computes_except_by_rounding(
    engine: type[sgd_module._NegativeSampling], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A span's border moves the learning rate within a piece by rounding only; the draws stay the same."""
    config = replace(SMALL, threads=1, deterministic=engine is sgd_module._Together)
    whole = lexigrad.train(planted_sentences(3_000), config)
    monkeypatch.setattr(engine, "span", 8_192)
    cut = lexigrad.train(planted_sentences(3_000), config)
    np.testing.assert_allclose(cut.V, whole.V, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("options", [{"threads": 3}, {"deterministic": False, "threads": 1}])
def test_where_threads_rest_changes_no_byte(options: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment may be a whole epoch or one span, and a run is the same."""
    for engine in (sgd_module._Together, sgd_module._Races):
        monkeypatch.setattr(engine, "span", 8_192)
    monkeypatch.setattr(sgd_module, "TRIAL_SPANS", 1)
    monkeypatch.setattr(Gate, "crowded", False)  # or all would try again after some segments
    config = replace(SMALL, **options)  # type: ignore[arg-type]
    tables, segments = [], 0
    real = sgd_module._NegativeSampling._train_segment

    def counted(run: sgd_module._NegativeSampling, monitor: monitor_module.Monitor) -> None:
        nonlocal segments
        segments += 1
        real(run, monitor)

    monkeypatch.setattr(sgd_module._NegativeSampling, "_train_segment", counted)
    for seconds in (0.0, 100.0):
        monkeypatch.setattr(Run, "segment_seconds", seconds)
        segments = 0
        model = lexigrad.train(planted_sentences(3_000), config)
        assert segments == (3 * 5 if seconds == 0 else 4)  # only the first has to be one span
        tables.append(model.V.tobytes() + model.U.tobytes())
    assert tables[0] == tables[1]


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_supersteps_of_one_block_are_what_one_racing_thread_does(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepsize, "SLOTS", 1)
    monkeypatch.setattr(sgd_module._Together, "parts", 1)
    config = TrainConfig(model=model, dim=20, min_count=1, epochs=2, threads=1)  # type: ignore[arg-type]
    text = planted_sentences(2_000)
    together, racing = (lexigrad.train(text, replace(config, deterministic=choice)) for choice in (True, False))
    assert together.V.tobytes() == racing.V.tobytes()
    assert together.U.tobytes() == racing.U.tobytes()


def test_where_cores_are_short_one_thread_takes_over_and_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever trains a segment: the choice follows the clock, and the numbers do not."""
    taken: list[int] = []
    real = sgd_module._Together._choose

    def choose(run: sgd_module._Together, _: float) -> None:
        taken.append(len(run.buffers))
        real(run, 2.0 if run.buffers is run.all else 3.0)

    monkeypatch.setattr(sgd_module._Together, "_choose", choose)
    monkeypatch.setattr(sgd_module._Together, "span", 8_192)
    monkeypatch.setattr(Run, "segment_seconds", 0.0)
    monkeypatch.setattr(sgd_module, "PATIENCE", 2)
    monkeypatch.setattr(sgd_module, "TRIAL_SPANS", 1)
    text = planted_sentences(8_000)
    config = TrainConfig(dim=33, min_count=1, epochs=2, threads=2, deterministic=True)
    whole = lexigrad.train(text, replace(config, threads=1))
    assert set(taken) == {1}
    taken.clear()
    monkeypatch.setattr(Gate, "crowded", True)
    shared_out = lexigrad.train(text, config)
    assert taken[:9] == [2, 2, 1, 2, 1, 1, 2, 1, 1]  # crowded twice, then one alone, then twice as long, at most 2
    assert shared_out.V.tobytes() == whole.V.tobytes()
    assert shared_out.U.tobytes() == whole.U.tobytes()


def test_freshly_compiled_kernels_and_cached_ones_give_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import hashlib, lexigrad, contract\n"
        "for model in ('skipgram', 'cbow'):\n"
        "    config = lexigrad.TrainConfig(model=model, dim=20, min_count=1, epochs=1, threads=2)\n"
        "    trained = lexigrad.train(contract.planted_sentences(500), config)\n"
        "    print(hashlib.sha256(trained.V.tobytes() + trained.U.tobytes()).hexdigest())"
    )
    path = os.pathsep.join([str(TESTS), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    outputs = [subprocess.run(command, env=environment, capture_output=True, check=True).stdout for _ in range(2)]
    assert len(list(tmp_path.rglob("*.nbc"))) > 10
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0].split())) == 2


def test_files_sentences_and_an_encoded_corpus_give_the_same_model(tmp_path: Path) -> None:
    sentences = [" ".join(sentence) for sentence in planted_sentences(300)]
    text = tmp_path / "text.txt"
    text.write_text("\n".join(sentences), encoding="utf8")
    config = TrainConfig(dim=8, min_count=1, epochs=1, threads=1)
    with lexigrad.read_corpus(text, config) as corpus:
        models = [lexigrad.train(source, config) for source in (text, sentences, iter(sentences), corpus)]
    assert len({model.V.tobytes() for model in models}) == 1


def test_a_given_vocabulary_fixes_words_and_order() -> None:
    vocabulary = Vocabulary(["t1w1", "t0w0"], [9, 4])
    model = lexigrad.train(planted_sentences(300), TrainConfig(dim=4, epochs=1), vocabulary=vocabulary)
    assert model.vocabulary == vocabulary


def test_an_encoded_corpus_takes_no_other_vocabulary() -> None:
    with (
        lexigrad.read_corpus(planted_sentences(50), SMALL) as corpus,
        pytest.raises(InputError, match="give the vocabulary to read_corpus"),
    ):
        lexigrad.train(corpus, SMALL, vocabulary=corpus.vocabulary)


def test_history_names_every_epoch_and_the_rate_at_its_end() -> None:
    model = lexigrad.train(planted_sentences(50), SMALL)
    assert [entry["epoch"] for entry in model.history] == [1, 2, 3]
    assert model.history[-1]["learning_rate"] == 0
    assert model.history[0]["words"] == 600


def test_an_empty_text_is_an_error() -> None:
    with pytest.raises(CorpusError):
        lexigrad.train([], SMALL)


def test_rare_options_train_too() -> None:
    config = TrainConfig(
        dim=16, min_count=1, dynamic_window=False, negatives=40, noise_exponent=-0.5, window=1_000_000, subsample=0
    )
    assert topic_precision(lexigrad.train(planted_sentences(2_000), config)) > 0.95


@pytest.mark.parametrize(
    "options",
    [
        {"window": 10, "negatives": 20},
        {"window": 40, "negatives": 64, "dynamic_window": False},
        {"learning_rate": 0.1},
        {"model": "cbow", "window": 10, "negatives": 20},
    ],
)
def test_long_windows_many_negatives_and_a_high_rate_do_not_run_away(options: dict[str, object]) -> None:
    """A row to which a step adds hundreds of gradients would overshoot, so the step is made smaller."""
    line = [word for sentence in planted_sentences(2_000) for word in sentence]
    config = TrainConfig(dim=16, min_count=1, subsample=0, epochs=3, **options)  # type: ignore[arg-type]
    model = lexigrad.train([line], config)
    assert float(np.abs(model.V).max()) < 10


def test_the_usual_options_take_whole_windows_and_full_blocks() -> None:
    assert stepsize.step_size(TrainConfig(), 5, 5 / 16) == ([1, 6], 64, 6)
    assert stepsize.step_size(TrainConfig(model="cbow"), 5, 5 / 16) == ([1, 6], 64, 6)


def test_a_superstep_has_room_for_fewer_blocks_where_windows_are_long() -> None:
    line = np.zeros(5_000, np.int32)
    slots = {window: stepsize.settings_of(TrainConfig(window=window), line).slots for window in (5, 100, 4_000)}
    assert slots == {5: 8, 100: 3, 4_000: 1}


def test_more_pairs_make_smaller_steps() -> None:
    bands, block, repeats = stepsize.step_size(TrainConfig(window=10, negatives=20), 10, 20 / 32)
    assert bands == [1, 3, 5, 9, 11]
    assert block < 64
    assert repeats < 6
