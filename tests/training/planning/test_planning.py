"""The cost model gives what one computes by hand, and what the studies that it is made from found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lexigrad import InputError, TrainConfig
from lexigrad.cli.main import main
from lexigrad.corpus.shards.windows import counting_shard_bytes
from lexigrad.training.planning import rates
from lexigrad.training.planning.job import Cluster, Job, Rates, cells, text_words
from lexigrad.training.planning.merges import merging, touched_share
from lexigrad.training.planning.plan import helping_machines, plan
from lexigrad.training.planning.steps import (
    counting_step,
    negative_sampling_step,
    sgd_step,
    softmax_step,
    vocabulary_step,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

FAST = 1e18
SPEEDS = Rates(reading=4e6, counting=2e6, sgd=1e6, negative_sampling=6e10, naive_softmax=3e10, vectors=1e10)
WIKI = 73_561


@pytest.mark.parametrize(
    ("size", "words"),
    [("1000", 1e3), ("1e9", 1e9), ("100M", 1e8), ("1g", 1e9), ("2.5k", 2500), ("5.94GB", 1e9), ("594 B", 100)],
)
def test_a_size_is_given_in_words_or_in_bytes(size: str, words: float) -> None:
    assert text_words(size) == pytest.approx(words)


def test_binary_suffixes_are_powers_of_1024() -> None:
    assert text_words("1MiB") == pytest.approx(text_words("1048576B"))


@pytest.mark.parametrize("size", ["", "many", "0", "-5", "1e9 words", "5X", "GB", "nan", "1e400", "1e30"])
def test_what_is_no_size_is_refused(size: str) -> None:
    with pytest.raises(InputError, match="no size of a text"):
        text_words(size)


def test_machines_share_the_wire_and_one_alone_has_none() -> None:
    assert Cluster(16, 1, 10).network_seconds(16 * 1.25e9) == pytest.approx(1)
    assert Cluster(1, 1, 10).network_seconds(1e12) == 0


def test_a_run_of_the_exact_solver_is_its_passes_and_the_vectors_between_them() -> None:
    table = 4 * 10_000 * 101
    vectors = 13 * (46 + 12) * 2 * table  # bytes that the workers and the driver read and write in 13 steps
    job, speeds = Job(1e8, 10_000, TrainConfig(parts=4)), replace(SPEEDS, vectors=vectors)
    alone = negative_sampling_step(job, Cluster(1, 1), speeds)
    assert alone.seconds == alone.compute_seconds == pytest.approx(13 + 1)  # a pass is 6 · 10⁸ · 100 operations
    four = negative_sampling_step(job, Cluster(4, 1), speeds)
    assert four.compute_seconds == pytest.approx(13 / 4 + (46 / 4 + 12) / 58)
    assert four.wire_bytes == pytest.approx((13 * (2 * 4 + 4 + 8) + 2 * 4 + 2) * table)
    assert four.network_seconds == pytest.approx(8 * four.wire_bytes / 4e10 + 13 * 6 * 1e-3)
    assert four.seconds == pytest.approx(four.compute_seconds + four.network_seconds + 7)


def test_the_softmax_adds_its_passes_to_those_of_negative_sampling() -> None:
    job, speeds = Job(1e8, 10_000, TrainConfig()), replace(SPEEDS, vectors=FAST)
    assert softmax_step(job, Cluster(1, 1), speeds).seconds == pytest.approx(13 + 11 * 2)


def test_words_beyond_the_head_take_two_products_against_it_for_each_table() -> None:
    job = Job(1e8, 30_000, TrainConfig(head=10_000))
    speeds = replace(SPEEDS, vectors=FAST)
    both = negative_sampling_step(job, Cluster(1, 1), speeds).seconds
    assert both - 13 == pytest.approx(2 * 6 * 4 * 20_000 * 10_000 * 100 / 6e10)


@pytest.mark.parametrize(("machines", "compute", "network"), [(4, 1.1, 0.07), (16, 0.28, 0.05), (64, 0.07, 0.05)])
def test_a_pass_takes_what_the_study_of_the_exact_solver_computed(
    machines: int, compute: float, network: float
) -> None:
    job = Job(17e6, WIKI, TrainConfig(head=WIKI, parts=machines))
    speeds = replace(SPEEDS, negative_sampling=16 * 46e9, vectors=FAST)  # a worker with sixteen cores on each machine
    step = negative_sampling_step(job, Cluster(machines, 1), speeds)
    assert step.compute_seconds / 13 == pytest.approx(compute, rel=0.03)
    table, of_pass = 4 * WIKI * 101, 2 * machines + 4
    assert 8 * of_pass * table / (machines * 1e10) == pytest.approx(network, rel=0.1)
    assert step.wire_bytes == pytest.approx((13 * (of_pass + 8) + 2 * machines + 2) * table)  # and L-BFGS's vectors


@pytest.mark.parametrize(("interval", "faster"), [(1e6, 38), (4e6, 54)])
def test_64_machines_are_as_much_faster_at_sgd_as_the_study_of_replicas_computed(
    interval: float, faster: float
) -> None:
    job = Job(25 * 64 * interval / 5, WIKI, TrainConfig())
    speeds = replace(SPEEDS, reading=FAST)
    many = sgd_step(job, Cluster(64, 16), speeds)
    assert merging(job, Cluster(64, 16)).interval == interval
    alone = sgd_step(job, Cluster(1, 16), speeds)
    assert alone.seconds == pytest.approx(5 * job.words / 16e6)
    assert alone.seconds / (many.seconds - 7) == pytest.approx(faster, rel=0.2)  # with 3,000 hot rows there


def test_replicas_that_share_a_machine_follow_each_other_or_share_its_cores() -> None:
    job = Job(1e9, WIKI, TrainConfig(), replicas=8)
    speeds = replace(SPEEDS, reading=FAST, negative_sampling=FAST)
    four, eight = (sgd_step(job, Cluster(machines, 16), speeds).compute_seconds for machines in (4, 8))
    assert four == pytest.approx(2 * eight)
    wide = sgd_step(job, Cluster(4, 32), speeds).compute_seconds
    assert wide == pytest.approx(eight)
    alone = Job(1e9, WIKI, TrainConfig())
    assert sgd_step(alone, Cluster(1, 32), speeds).seconds == pytest.approx(5 * 1e9 / 16e6)  # 16 cores have work


def test_counting_reads_the_text_twice_and_sends_cells() -> None:
    job, cluster = Job(17e6, 20_000, TrainConfig()), Cluster(4, 2)
    assert vocabulary_step(job, cluster, SPEEDS).compute_seconds == pytest.approx(17e6 / (8 * 4e6))
    counted = counting_step(job, cluster, SPEEDS)
    shard = counting_shard_bytes(17_000_000 * 594 // 100, 200_000_000) / 5.94
    adding = 28e-9 * cells(shard, 20_000) * 17e6 / shard + 110e-9 * 15.47e6
    assert counted.compute_seconds == pytest.approx((17e6 * (1 / 4e6 + 1 / 2e6) + adding) / 8)
    alone = counting_step(job, Cluster(1, 2), SPEEDS)
    assert alone.compute_seconds == pytest.approx(17e6 / 2 * (1 / 4e6 + 1 / 2e6))
    handed_on = 5.2 * (cells(shard, 20_000) * 17e6 / shard + 2 * 15.47e6)
    assert counted.wire_bytes == pytest.approx(3 / 4 * (handed_on + 8 * 2 * 15.47e6))
    network = 8 * 3 / 4 * (handed_on / 4 + 8 * 2 * 15.47e6) / 10e9  # the matrix comes over one machine's line
    assert counted.network_seconds == pytest.approx(network)


def test_bytes_are_those_that_were_counted() -> None:
    """By `benchmarks/scale.py --job bytes`, with four machines; for 17 million words by the same engine."""
    four = Cluster(4, 1)
    for words, counted in ((2_000_046, 92.98e6), (17_000_058, 494.9e6)):
        job = Job(words, 20_000, TrainConfig())
        sent = vocabulary_step(job, four, SPEEDS).wire_bytes + counting_step(job, four, SPEEDS).wire_bytes
        assert sent == pytest.approx(counted, rel=0.06)
    job = Job(2_000_046, 20_000, TrainConfig(epochs=10), replicas=4)
    assert sgd_step(job, four, SPEEDS).wire_bytes == pytest.approx(2.381e9, rel=0.02)


def test_a_slow_network_makes_machines_wait_for_the_text() -> None:
    job = Job(1e9, 20_000, TrainConfig())
    slow = counting_step(job, Cluster(4, 16, 0.1), SPEEDS)
    text_seconds = 8 * 5.94e9 / (4 * 0.1e9)
    assert slow.seconds > text_seconds > slow.compute_seconds


def test_cells_are_those_that_were_counted() -> None:
    assert cells(17.0e6, WIKI) == pytest.approx(21.13e6)
    assert cells(0.706e6, 5_000) == pytest.approx(1.031e6)


@given(st.floats(1, 1e13), st.integers(2, 10**7))
def test_there_are_no_more_cells_than_pairs_of_words_or_of_places(words: float, vocabulary: int) -> None:
    found = cells(words, vocabulary)
    assert 0 < found <= min(vocabulary * (vocabulary + 1) / 2, 5 * words)
    assert cells(2 * words, vocabulary) >= found


@given(st.floats(1, 1e10), st.integers(2, 10**7))
def test_a_share_of_the_rows_changes_and_more_of_them_the_longer_it_lasts(interval: float, vocabulary: int) -> None:
    share = touched_share(interval, vocabulary)
    assert 0 < share <= touched_share(2 * interval, vocabulary) <= 1


@pytest.mark.parametrize(("merges", "lost"), [(11, 2.6), (22, 2.0), (25, 1.8)])
def test_what_merging_costs_is_what_was_measured(merges: int, lost: float) -> None:
    job = Job(merges * 16 * 50_000, WIKI, TrainConfig(epochs=1), replicas=16)
    found = merging(job, Cluster(16, 16))
    assert (found.merges, found.interval) == (merges, 50_000)
    assert found.points_lost == pytest.approx(lost, abs=0.05)


def test_a_short_text_is_merged_once_in_an_epoch() -> None:
    found = merging(Job(4_200, 50, TrainConfig(epochs=10), replicas=2), Cluster(2, 1))
    assert (found.merges, found.interval, found.refused) == (10, 2_100, False)


def test_one_replica_is_never_merged_and_loses_nothing() -> None:
    found = merging(Job(1e4, 100, TrainConfig(), replicas=1), Cluster(16, 16))
    assert (found.merges, found.points_lost, found.warning, found.refused) == (0, 0, None, False)


def test_fewer_than_ten_merges_are_refused_with_what_would_do() -> None:
    job = Job(1e6, 5_000, TrainConfig(), replicas=16)
    found = merging(job, Cluster(16, 16))
    assert found.refused
    assert found.warning is not None
    assert "10 replicas at most" in found.warning
    assert not merging(replace(job, replicas=10), Cluster(16, 16)).refused
    assert [row.step.name for row in plan(job, Cluster(16, 16), SPEEDS, ["sgd"]).steps] == ["vocabulary"]


@pytest.mark.parametrize(("words", "replicas", "warning"), [(3e6, 16, "short"), (1e10, 64, "never tried")])
def test_few_merges_and_many_replicas_are_warned_of(words: float, replicas: int, warning: str) -> None:
    found = merging(Job(words, WIKI, TrainConfig(), replicas), Cluster(64, 16))
    assert not found.refused
    assert warning in (found.warning or "")


def test_machines_beyond_the_replicas_do_not_help() -> None:
    job = Job(1e11, WIKI, TrainConfig(), replicas=4)
    assert helping_machines(sgd_step, job, Cluster(64, 16), SPEEDS) == 4


def test_a_small_job_needs_one_machine_and_a_large_one_many() -> None:
    small, large = Job(17e6, 20_000, TrainConfig()), Job(1e12, 20_000, TrainConfig())
    assert helping_machines(counting_step, small, Cluster(8, 16), SPEEDS) == 1
    assert helping_machines(counting_step, large, Cluster(8, 16), SPEEDS) > 64


def test_parts_say_how_many_cores_share_a_pass() -> None:
    speeds = replace(SPEEDS, vectors=FAST)
    few, many = (
        negative_sampling_step(Job(1e8, 10_000, TrainConfig(parts=parts)), Cluster(8, 4), speeds) for parts in (8, 32)
    )
    assert few.compute_seconds == pytest.approx(13 / 8)
    assert many.compute_seconds == pytest.approx(13 / 32)
    assert many.wire_bytes - few.wire_bytes == pytest.approx(13 * 24 * 4 * 10_000 * 101)  # each worker sends its sums


@pytest.mark.parametrize(
    ("cost", "job", "smaller"),
    [
        (vocabulary_step, Job(5e9, 100_000, TrainConfig()), {"words": 2e9}),
        (counting_step, Job(8e8, 100_000, TrainConfig()), {"words": 5e8}),
        (negative_sampling_step, Job(1e9, 80_000, TrainConfig(head=80_000, parts=64)), {"vocabulary": 70_000}),
        (softmax_step, Job(1e9, 60_000, TrainConfig(head=60_000, parts=64)), {"vocabulary": 50_000}),
        (sgd_step, Job(2e8, 100_000, TrainConfig()), {"words": 1e8}),
    ],
)
def test_four_machines_are_twice_as_fast_from_where_the_guide_says(
    cost: Any, job: Job, smaller: dict[str, Any]
) -> None:
    speeds = Rates(reading=5e6, counting=1e6, sgd=1e6, negative_sampling=46e9, naive_softmax=30e9, vectors=1e10)

    def gain(asked: Job) -> float:
        alone, four = (cost(asked, Cluster(machines, 16), speeds).seconds for machines in (1, 4))
        return float(alone / four)

    assert gain(job) > 2 > gain(replace(job, **smaller))


def test_more_machines_share_the_memory_of_the_exact_solver() -> None:
    job = Job(1e9, 100_000, TrainConfig(head=100_000, parts=32))
    sizes = [negative_sampling_step(job, Cluster(machines, 4), SPEEDS).machine_bytes for machines in (2, 4, 8)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("solvers", [["exact"], ["sgd"], ["exact", "sgd"]])
def test_a_plan_compares_each_step_with_one_machine(solvers: Sequence[Any]) -> None:
    job, cluster = Job(1e9, 100_000, TrainConfig()), Cluster(8, 16)
    planned = plan(job, cluster, SPEEDS, solvers)
    assert (planned.merging is not None) == ("sgd" in solvers)
    assert len(planned.steps) == 1 + 3 * ("exact" in solvers) + ("sgd" in solvers)
    for row in planned.steps:
        assert row.seconds_on_one_machine > row.step.compute_seconds
        assert row.step.driver_bytes > 4e8


def test_lines_of_the_drawn_text_come_again() -> None:
    lines = rates.drawn_text(15_000, 1_000).splitlines()
    assert sum(len(line.split()) for line in lines) == 15_000
    assert 0.5 * len(lines) < len(set(lines)) < 0.8 * len(lines)


def test_rates_are_measured_for_the_options_of_the_job() -> None:
    config = TrainConfig(dim=8, solver="exact", loss="naive_softmax", max_vocabulary=5, epochs=3)
    found = rates.measured_rates(config, vocabulary=50, threads=1, words=5_000)
    assert min(found.reading, found.counting, found.sgd, found.negative_sampling, found.naive_softmax) > 0
    assert 1e8 < found.vectors < 1e13


@pytest.fixture
def known_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command without its measurements."""
    monkeypatch.setattr(rates, "measured_rates", lambda *_: SPEEDS)


@pytest.mark.usefixtures("known_rates")
def test_the_command_prints_what_was_measured_and_each_step() -> None:
    run = CliRunner().invoke(main, ["plan", "1e9", "100K", "--machines", "16", "--cores", "16"])
    assert run.exit_code == 0, run.stderr
    assert "SGD, words a second" in run.stdout
    for step in ("vocabulary", "window counts", "exact, negative sampling", "exact, naive softmax", "SGD, 16 replicas"):
        assert f"\n{step} " in run.stdout
    assert "10 Gb/s" in run.stderr
    assert "75 merges, one every 4.2 M words" in run.stderr
    assert "8 of 256 cores" in run.stderr


@pytest.mark.usefixtures("known_rates")
def test_the_command_gives_the_same_plan_as_json() -> None:
    arguments = [
        "plan",
        "100M",
        "5000",
        "--machines",
        "4",
        "--cores",
        "2",
        "--solver",
        "exact",
        "--network",
        "25",
        "--json",
    ]
    run = CliRunner().invoke(main, arguments)
    assert run.exit_code == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["words"] == 1e8
    assert found["cluster"] == {"machines": 4, "cores": 2, "gigabits_per_second": 25.0}
    assert found["rates"]["sgd"] == 1e6
    step = negative_sampling_step(Job(1e8, 5_000, TrainConfig()), Cluster(4, 2, 25.0), SPEEDS)
    assert found["steps"][2]["step"]["seconds"] == pytest.approx(step.seconds)
    assert found["merging"] is None


@pytest.mark.usefixtures("known_rates")
def test_the_command_warns_of_too_few_merges_and_leaves_sgd_out() -> None:
    run = CliRunner().invoke(main, ["plan", "100K", "5000", "--machines", "8", "--solver", "sgd"])
    assert run.exit_code == 0
    assert "warning: 8 replicas would be merged 5 times" in run.stderr
    assert "SGD, 8" not in run.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lots", "5000", "--machines", "2"], "no size of a text"),
        (["1e9", "5GB", "--machines", "2"], "a number of words"),
        (["1e9", "1", "--machines", "2"], "a number of words"),
        (["1e9", "5000"], "--machines"),
        (["1e9", "5000", "--machines", "2", "--network", "0"], "--network"),
    ],
)
def test_wrong_arguments_are_wrong_usage(arguments: list[str], says: str) -> None:
    run = CliRunner().invoke(main, ["plan", *arguments])
    assert run.exit_code == 2
    assert says in run.stderr
