"""Pictures show what they are given, and can be read on white and on dark pages."""

from __future__ import annotations

import importlib.util
import io
import re
import subprocess
import sys
import warnings
import xml.dom.minidom
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the pictures need matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg

from lexigrad.errors import InputError, MissingExtraError, UnknownWordError
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.view.plots import (
    plot_confusion,
    plot_error_groups,
    plot_l2_sweep,
    plot_learning_curve,
    plot_losses,
    plot_words,
)
from lexigrad.view.style import COLORS, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHOSEN = [
    *("great", "wonderful", "brilliant", "amazing", "charming", "enjoyable", "sweet", "funny", "extraordinarily"),
    *("boring", "bad", "dumb", "awful", "annoying", "dull", "king", "queen", "man", "woman", "actor", "actress"),
    *("rain", "snow", "coffee", "tea"),
]
PAGES = {"white": "#ffffff", "dark": "#0d1117"}


def group(name: str, share: float, of_errors: float) -> SimpleNamespace:
    """A group of sentences and its share among errors, with intervals of four points."""
    above = of_errors - share
    part = SimpleNamespace(share=of_errors, interval=(above - 0.02, above + 0.02))
    return SimpleNamespace(name=name, share=share, errors=part, reversals=part)


@dataclass
class Result:
    """What a picture needs of a classifier's results."""

    name: str = "own vectors"
    strengths: list[float] = field(default_factory=lambda: [1.0, 0.01, 0.1])
    train_accuracy: list[float] = field(default_factory=lambda: [0.38, 0.45, 0.42])
    dev_accuracy: list[float] = field(default_factory=lambda: [0.36, 0.31, 0.37])
    confusion: np.ndarray = field(default_factory=lambda: np.arange(25).reshape(5, 5))
    labels: list[str] = field(default_factory=lambda: ["very bad", "bad", "neutral", "good", "very good"])
    groups: list[SimpleNamespace] = field(default_factory=lambda: [group("negation", 0.2, 0.25), group("long", 0.1, 0)])


def vectors(spread: float = 1.0) -> KeyedVectors:
    return KeyedVectors(CHOSEN, 1 + spread * np.random.default_rng(0).normal(size=(len(CHOSEN), 10)))


def drawings() -> dict[str, Figure]:
    return {
        "words": plot_words(vectors(), CHOSEN),
        "curve": plot_learning_curve([19.0, 14.0, 11.0]),
        "sweep": plot_l2_sweep([Result(), Result("GloVe", dev_accuracy=[0.3, 0.2, 0.28])]),
        "confusion": plot_confusion(Result()),
        "groups": plot_error_groups(Result()),
    }


def pixels(figure: Figure, dpi: int = 100) -> np.ndarray:
    """The picture as red, green, blue and opacity, from 0 to 1."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()) / 255


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB colors, as WCAG 2 defines it."""
    linear = np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    light, dark = np.maximum(luminance(first), luminance(second)), np.minimum(luminance(first), luminance(second))
    return (light + 0.05) / (dark + 0.05)


def rgb(color: str) -> np.ndarray:
    return np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def on_page(picture: np.ndarray, page: str) -> np.ndarray:
    opacity = picture[..., 3:]
    return picture[..., :3] * opacity + rgb(page) * (1 - opacity)


def all_texts(figure: Figure) -> list:
    """All texts of a figure that are seen: not those of ticks beyond the ends of their axis."""
    from matplotlib.axis import Axis, Tick
    from matplotlib.text import Text

    beyond: set[Text] = set()
    for axis in figure.findobj(Axis):
        low, high = sorted(axis.get_view_interval())
        ticks = axis.findobj(Tick)
        beyond |= {text for tick in ticks if not low <= tick.get_loc() <= high for text in tick.findobj(Text)}
    return [
        text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible() and text not in beyond
    ]


def overlaps(texts: list) -> list[tuple[str, str]]:
    boxes = [text.get_window_extent() for text in texts]
    return [
        (texts[i].get_text(), texts[j].get_text())
        for i in range(len(texts))
        for j in range(i)
        if boxes[i].overlaps(boxes[j])
    ]


# -------------------- legible


def test_the_measure_of_contrast_is_that_of_wcag() -> None:
    assert round(float(contrast(rgb("#ffffff"), rgb("#000000"))), 6) == 21
    assert round(float(contrast(rgb("#777777"), rgb("#ffffff"))), 2) == 4.48


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("color", [INK, *COLORS])
def test_each_color_stands_out_on_both_pages(color: str, page: str) -> None:
    assert contrast(rgb(color), rgb(page)) >= 3.9


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("name", ["words", "curve", "sweep", "confusion", "groups"])
def test_every_text_of_a_rendered_picture_stands_out_from_its_ground(name: str, page: str) -> None:
    figure = drawings()[name]
    picture = on_page(pixels(figure, dpi=200), page)  # on coarser ones a stroke may fill no pixel
    for text in all_texts(figure):
        box = text.get_window_extent()
        height = picture.shape[0]
        part = picture[int(height - box.y1) : int(height - box.y0) + 1, int(box.x0) : int(box.x1) + 1].reshape(-1, 3)
        if part.size:
            ground = np.median(part, axis=0)
            assert contrast(part, ground).max() >= 3.5, text.get_text()


@pytest.mark.parametrize("name", ["words", "curve", "sweep", "confusion", "groups"])
def test_the_ground_is_transparent(name: str) -> None:
    assert pixels(drawings()[name])[0, 0, 3] == 0


# -------------------- words


@pytest.mark.parametrize("spread", [1.0, 0.001])
def test_no_label_of_the_chosen_words_covers_another(spread: float) -> None:
    figure = plot_words(vectors(spread), CHOSEN)
    pixels(figure)
    assert [text.get_text() for text in figure.axes[0].texts] == CHOSEN
    assert overlaps(figure.axes[0].texts) == []


def test_no_label_covers_another_when_most_words_stand_on_one_spot() -> None:
    matrix = np.ones((len(CHOSEN), 4))
    matrix[0] = 9
    figure = plot_words(KeyedVectors(CHOSEN, matrix), CHOSEN)
    pixels(figure)
    assert overlaps(figure.axes[0].texts) == []


def test_many_words_get_a_larger_picture() -> None:
    words = [f"word-number-{i}" for i in range(120)]
    many = KeyedVectors(words, np.random.default_rng(5).normal(size=(120, 6)))
    figure = plot_words(many, words)
    pixels(figure)
    assert overlaps(figure.axes[0].texts) == []
    assert figure.get_figwidth() > plot_words(many, words[:10]).get_figwidth()


def test_points_are_the_words_principal_axes() -> None:
    from lexigrad.view.projection import principal_axes

    figure = plot_words(vectors(), CHOSEN[:6])
    expected = principal_axes(vectors().vectors_for(CHOSEN[:6]))
    np.testing.assert_allclose(figure.axes[0].collections[0].get_offsets(), expected.coordinates)
    assert f"{expected.shares[0]:.0%}" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize("stretch", [1.0, 30.0, 1 / 30])
def test_both_axes_of_words_have_the_same_scale(stretch: float) -> None:
    matrix = np.random.default_rng(2).normal(size=(12, 4)) * [stretch, 1, 0.01, 0.01]
    figure = plot_words(KeyedVectors(CHOSEN[:12], matrix), CHOSEN[:12])
    pixels(figure)
    transform = figure.axes[0].transData.transform
    (x, y), (right, _), (_, above) = transform([(0, 0), (1, 0), (0, 1)])
    assert right - x == pytest.approx(above - y, rel=0.006)  # matplotlib leaves half a percent
    assert overlaps(figure.axes[0].texts) == []
    assert 1 <= figure.get_figwidth() / figure.get_figheight() <= 2


def test_a_word_given_twice_is_shown_once() -> None:
    assert len(plot_words(vectors(), ["king", "queen", "king"]).axes[0].texts) == 2


def test_a_formula_in_a_word_is_a_word() -> None:
    words = ["$5", "a$_b$", "tea"]
    figure = plot_words(KeyedVectors(words, np.eye(3)), words)
    pixels(figure)
    assert [text.get_text() for text in figure.axes[0].texts] == words
    assert not any(text.get_parse_math() for text in figure.axes[0].texts)


HOSTILE = "a\x1b[31m\n$x"
SEEN = r"a\x1b[31m\n$x"


def test_control_characters_in_words_and_names_leave_a_picture_whole() -> None:
    vectors = KeyedVectors([HOSTILE, "b", "c"], [[1, 0], [3, 1], [0, 1]])
    part = SimpleNamespace(share=0.5, interval=(0.1, 0.3))
    result = SimpleNamespace(
        name=HOSTILE,
        strengths=[0.1, 1],
        train_accuracy=[0.4, 0.3],
        dev_accuracy=[0.3, 0.35],
        labels=[HOSTILE, "good"],
        confusion=np.array([[8, 2], [3, 7]]),
        groups=[SimpleNamespace(name=HOSTILE, share=0.3, errors=part, reversals=part)],
    )
    drawn = [
        plot_words(vectors, vectors.words),
        plot_losses({HOSTILE: records((3.0, 3.1), (2.0, 2.2))}, "naive_softmax"),
        plot_l2_sweep([result]),
        plot_confusion(result),
        plot_error_groups(result),
    ]
    for figure in drawn:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as one of a font that lacks a character
            file = io.BytesIO()
            figure.savefig(file, format="svg")
        comments = re.findall("<!--(.*?)-->", file.getvalue().decode())
        assert any(SEEN.replace("-", "&#45;") in comment for comment in comments)
        xml.dom.minidom.parseString(file.getvalue())


def test_vectors_of_one_number_are_refused_with_their_dimension() -> None:
    with pytest.raises(InputError, match="the vectors have 1 dimension"):
        plot_words(KeyedVectors(["a", "b", "c"], [[1], [2], [4]]), ["a", "b", "c"])


def test_bad_words_and_methods_are_refused() -> None:
    with pytest.raises(UnknownWordError, match="quene"):
        plot_words(vectors(), ["king", "quene"])
    with pytest.raises(InputError, match="pca needs at least 2 different words, not 1"):
        plot_words(vectors(), ["king", "king"])
    with pytest.raises(InputError, match="method must be one of pca, tsne, umap, not 'mds'"):
        plot_words(vectors(), CHOSEN, "mds")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::ImportWarning")  # umap-learn has no tensorflow, says so, and does without
@pytest.mark.parametrize(("method", "package", "least"), [("tsne", "sklearn", 4), ("umap", "umap", 5)])
def test_the_other_methods_give_one_point_a_word_the_same_each_time(method: str, package: str, least: int) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}, which is not installed")
    figures = [plot_words(vectors(), CHOSEN[:count], method) for count in (least, 25, 25)]  # type: ignore[arg-type]
    fewest, first, second = (figure.axes[0].collections[0].get_offsets() for figure in figures)
    assert fewest.shape == (least, 2)
    assert first.shape == (25, 2)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("method", "package", "advice"),
    [
        ("pca", "matplotlib", r"matplotlib: pip install 'lexigrad\[plots\]'"),
        ("tsne", "sklearn", r"scikit-learn: pip install 'lexigrad\[sentiment\]'"),
        ("umap", "umap", r"umap-learn: pip install 'lexigrad\[umap\]'"),
    ],
)
def test_what_is_missing_is_named(method: str, package: str, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=advice):
        plot_words(vectors(), CHOSEN, method)  # type: ignore[arg-type]


def test_no_picture_touches_pyplot() -> None:
    code = (
        "import sys; from lexigrad.view.plots import plot_learning_curve as plot; figure = plot([2.0, 1.0])\n"
        "figure.savefig(sys.stdout.buffer, format='svg'); print('matplotlib.pyplot' in sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout.rstrip().endswith(b"</svg>")
    assert run.stderr.strip() == b"False"


# -------------------- results


def test_a_learning_curve_shows_costs_at_their_iterations() -> None:
    line = plot_learning_curve([3.0, 2.0], every=10).axes[0].lines[0]
    assert line.get_xydata().tolist() == [[10, 3], [20, 2]]


def test_a_learning_curve_shows_one_entry_of_a_history() -> None:
    history = [{"epoch": 1, "learning_rate": 0.02}, {"epoch": 2, "learning_rate": 0.01}]
    figure = plot_learning_curve(history, value="learning_rate", x_label="epoch")
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0.02, 0.01]
    assert figure.axes[0].get_ylabel() == "learning rate"


def test_a_history_without_the_entry_or_without_anything_is_refused() -> None:
    with pytest.raises(InputError, match="has no 'loss', but has epoch"):
        plot_learning_curve([{"epoch": 1}])
    with pytest.raises(InputError, match="history is empty"):
        plot_learning_curve([])


def records(*losses: tuple[float | None, float | None]) -> list[dict[str, object]]:
    """Records of a training: in each epoch the loss in training and on held-out text."""
    return [
        {"epoch": epoch, "loss": training, **({} if held_out is None else {"validation": {"naive_softmax": held_out}})}
        for epoch, (training, held_out) in enumerate(losses, start=1)
    ]


def test_losses_are_drawn_by_epoch_with_a_ring_at_the_best() -> None:
    history = records((3.0, 3.1), (2.0, 2.5), (1.0, 2.75))
    figure = plot_losses({"own": history}, "naive_softmax")
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    assert [line.get_xydata().tolist() for line in lines] == [
        [[2, 2.5]],
        [[1, 3.1], [2, 2.5], [3, 2.75]],
        [[1, 3.0], [2, 2.0], [3, 1.0]],
    ]
    assert [line.get_linestyle() for line in lines[1:]] == ["-", "--"]
    assert figure.legends[0].get_texts()[0].get_text() == "own: 2.5000 on held-out text after epoch 2 of 3"


def test_either_loss_alone_is_drawn_too_and_epochs_without_one_are_passed_over() -> None:
    figure = plot_losses(
        {"a": records((3.0, None), (2.0, None)), "b": records((None, 2.5), (None, 2.0))}, "naive_softmax"
    )
    drawn = [line.get_ydata().tolist() for line in figure.axes[0].lines if len(line.get_xdata()) > 1]
    assert drawn == [[3.0, 2.0], [2.5, 2.0]]
    assert figure.legends[0].get_texts()[0].get_text() == "a"


@pytest.mark.parametrize(("epochs", "scale"), [(50, "linear"), (51, "log")])
def test_many_epochs_have_a_logarithmic_axis(epochs: int, scale: str) -> None:
    figure = plot_losses({"own": records(*[(1.0, 1.0)] * epochs)}, "naive_softmax")
    assert figure.axes[0].get_xscale() == scale


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({}, "give the history of at least one training"),
        ({"own": []}, "history of own has no epochs"),
        ({"own": [{"stage": "svd", "loss": 1.0}]}, "history of own has no epochs"),
        ({"own": [{"epoch": 1}]}, "history of own holds no losses; train with loss_sample or validation"),
    ],
)
def test_losses_that_are_not_there_are_refused(histories: dict[str, list[dict[str, object]]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plot_losses(histories)


def test_a_sweep_shows_both_accuracies_in_percent_in_the_order_of_strength() -> None:
    axes = plot_l2_sweep(Result()).axes[0]
    dev, train, best, _ = axes.lines
    assert dev.get_label() == "own vectors: at best 37.0 on dev, at 0.1"
    np.testing.assert_allclose(dev.get_xydata(), [[0.01, 31], [0.1, 37], [1, 36]])
    np.testing.assert_allclose(train.get_xydata(), [[0.01, 45], [0.1, 42], [1, 38]])
    np.testing.assert_allclose(best.get_xydata(), [[0.1, 37]])
    assert axes.get_xscale() == "log"


def test_the_best_of_a_sweep_has_its_interval_where_the_number_of_sentences_is_known() -> None:
    axes = plot_l2_sweep(Result()).axes[0]
    (segment,) = axes.collections[0].get_segments()
    np.testing.assert_allclose(segment[:, 0], 0.1)
    np.testing.assert_allclose(segment[:, 1], [31.7, 42.6], atol=0.06)  # Wilson's, of 111 right among 300
    unknown = SimpleNamespace(name="own", strengths=[0.1, 1], train_accuracy=[0.4, 0.3], dev_accuracy=[0.3, 0.35])
    assert len(plot_l2_sweep(unknown).axes[0].collections) == 0  # type: ignore[arg-type]


def test_groups_of_errors_are_drawn_as_differences_in_points() -> None:
    axes = plot_error_groups(Result()).axes[0]
    errors, reversals = axes.lines[:2]
    np.testing.assert_allclose(errors.get_xdata(), [5, -10])
    np.testing.assert_allclose(reversals.get_xdata(), [5, -10])
    np.testing.assert_allclose([segment[:, 0] for segment in axes.collections[0].get_segments()], [[3, 7], [-12, -8]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["negation, 20.0 %", "long, 10.0 %"]
    with pytest.raises(InputError, match="no groups"):
        plot_error_groups(Result(groups=[]))


def test_a_sweep_with_a_strength_of_zero_shows_it() -> None:
    figure = plot_l2_sweep(Result(strengths=[0.0, 0.1, 1.0]))
    pixels(figure)
    x, _ = figure.axes[0].transAxes.inverted().transform(figure.axes[0].transData.transform((0.0, 31)))
    assert 0 <= x < 0.2


def test_the_texts_of_a_sweep_of_four_results_do_not_overlap() -> None:
    curves = [[dev - i / 30 for dev in (0.36, 0.31, 0.37)] for i in range(4)]
    figure = plot_l2_sweep([Result(f"vectors-{i}.safetensors", dev_accuracy=dev) for i, dev in enumerate(curves)])
    pixels(figure)
    assert overlaps([text for text in all_texts(figure) if text.get_window_extent().width > 0]) == []


def test_a_sweep_of_nothing_is_refused() -> None:
    for nothing in ([], Result(strengths=[])):
        with pytest.raises(InputError, match="nothing to draw"):
            plot_l2_sweep(nothing)  # type: ignore[arg-type]


def test_a_confusion_matrix_shows_counts_with_the_truth_in_rows() -> None:
    axes = plot_confusion(Result()).axes[0]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts[(4, 0)] == "4"  # predicted very good, truly very bad
    assert texts[(0, 4)] == "20"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted, precision in %", "truth, recall in %")
    rows = [label.get_text() for label in axes.get_yticklabels()]
    columns = [label.get_text() for label in axes.get_xticklabels()]
    assert rows[0] == "very bad\n0.0"  # 0 of 0 + 1 + 2 + 3 + 4
    assert rows[4] == "very good\n21.8"  # 24 of 110
    assert columns[4] == "very\ngood\n34.3"  # 24 of 70
    top, bottom = axes.transData.transform([(0, 0), (0, 4)])[:, 1]
    assert top > bottom


def test_a_class_that_never_occurs_is_a_row_of_zeros() -> None:
    confusion = np.array([[0, 0], [1, 3]])
    figure = plot_confusion(Result(confusion=confusion, labels=["bad", "good"]))
    assert figure.axes[0].images[0].get_array().tolist() == [[0, 0], [0.25, 0.75]]


def test_a_confusion_matrix_that_does_not_fit_its_labels_is_refused() -> None:
    with pytest.raises(InputError, match=r"of 5 labels must be square, but has shape \(2, 5\)"):
        plot_confusion(Result(confusion=np.zeros((2, 5), int)))
