"""The Stanford Sentiment Treebank is read in both layouts, and what is wrong with a file is said with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexigrad.errors import CorpusError, FormatError, InputError, LexigradError
from lexigrad.evaluation.treebank import SPLITS, StanfordSentiment, parse_tree

if TYPE_CHECKING:
    from pathlib import Path

TREES = {
    "train": "(3 (2 Good) (2 fun))\n(0 (1 (0 Dull) (2 and)) (1 long))\n",
    "dev": "(4 (3 Great) (2 -LRB-))\n",
    "test": "(2 (2 So) (2 so))\n",
}
OFFICIAL = {
    "datasetSentences.txt": "index\tsentence\n1\tGood fun\n2\tA clichÃ© -LRB- or two -RRB-\n3\tGreat\n4\tDull\n",
    "datasetSplit.txt": "sentence_index,splitset_label\n1,1\n2,1\n3,3\n4,2\n",
    "dictionary.txt": "Great|2\nGood fun|0\nA cliché ( or two )|1\nDull|3\n!|4\n",
    "sentiment_labels.txt": "phrase ids|sentiment values\n0|0.6\n1|0.61\n2|1.0\n3|0.2\n4|0.5\n",
}


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    return written(tmp_path, {f"{split}.txt": text for split, text in TREES.items()})


@pytest.fixture
def official(tmp_path: Path) -> Path:
    return written(tmp_path, OFFICIAL)


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def read_all(folder: Path) -> None:
    treebank = StanfordSentiment(folder)
    for split in SPLITS:
        treebank.sentences(split)
        treebank.labels(split)


nodes = st.recursive(
    st.tuples(st.integers(0, 4), st.text(st.characters(exclude_characters=" ()\r\n", codec="utf-8"), min_size=1)),
    lambda inner: st.tuples(st.integers(0, 4), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=12,
)


def drawn(node: tuple[int, object]) -> str:
    label, content = node
    return f"({label} {content if isinstance(content, str) else ' '.join(map(drawn, content))})"  # type: ignore[call-overload]


def leaves(node: tuple[int, object]) -> list[str]:
    content = node[1]
    return [content] if isinstance(content, str) else [word for inner in content for word in leaves(inner)]  # type: ignore[attr-defined]


@given(node=nodes)
def test_a_tree_that_was_written_is_read_back(node: tuple[int, object]) -> None:
    assert parse_tree(drawn(node)) == (leaves(node), node[0])


@given(node=nodes, data=st.data())
def test_a_tree_that_lacks_a_parenthesis_is_refused(node: tuple[int, object], data: st.DataObject) -> None:
    line = drawn(node)
    lost = data.draw(st.sampled_from([place for place, character in enumerate(line) if character in "()"]))
    with pytest.raises(FormatError):
        parse_tree(line[:lost] + line[lost + 1 :])


@given(line=st.text(alphabet="()01234 7aé\t", max_size=30))
def test_any_line_is_a_tree_or_a_format_error(line: str) -> None:
    try:
        tokens, label = parse_tree(line)
    except FormatError:
        return
    assert tokens
    assert 0 <= label <= 4


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("(7 Good)", "a label is '7'"),
        ("(3 (2 Good) (22 fun))", "a label is '22'"),
        ("( Good)", "a label is ''"),
        ("(Good)", "a label is 'Good'"),
        ("(3 (2 Good) (2 fun)", "1 open parentheses at its end"),
        ("(3 (2 Good)) (2 fun))", r"'\(2' at character 14 cannot be there"),
        ("(3 (2 Good) fun)", "'fun' at character 13 cannot be there"),
        ("(3 Good fun)", "'fun' at character 9 cannot be there"),
        ("(3 Good (2 fun))", r"'\(2' at character 9 cannot be there"),
        ("(3 )", r"'\)' at character 4 cannot be there"),
        ("Good", "'Good' at character 1 cannot be there"),
        ("  ", "an empty line"),
    ],
)
def test_a_malformed_tree_says_where(line: str, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        parse_tree(line)


def test_a_deep_tree_is_read_without_recursion() -> None:
    assert parse_tree(50_000 * "(2 " + "(1 deep)" + 50_000 * ")") == (["deep"], 2)


def test_trees_give_the_leaves_and_the_roots_label(trees: Path) -> None:
    treebank = StanfordSentiment(trees)
    assert treebank.layout == "trees"
    assert treebank.sentences("train") == [["Good", "fun"], ["Dull", "and", "long"]]
    assert treebank.labels("train").tolist() == [3, 0]
    assert treebank.sentences("dev") == [["Great", "-LRB-"]]
    assert treebank.sentences() == [sentence for split in SPLITS for sentence in treebank.sentences(split)]


def test_words_are_cut_at_the_ascii_space_only(trees: Path) -> None:
    (trees / "dev.txt").write_text("(2 (2 2\u00a01\\/2) (2 hours\u0085))\r\n", encoding="utf-8", newline="")
    assert StanfordSentiment(trees).sentences("dev") == [["2\u00a01\\/2", "hours\u0085"]]


@pytest.mark.parametrize(("name", "files"), [("trees", "trees"), ("stanfordSentimentTreebank", "official")])
def test_the_parent_of_either_layout_will_do(tmp_path: Path, name: str, files: str) -> None:
    (tmp_path / name).mkdir()
    contents = {f"{split}.txt": text for split, text in TREES.items()} if files == "trees" else OFFICIAL
    written(tmp_path / name, contents)
    assert StanfordSentiment(tmp_path).folder == tmp_path / name
    assert StanfordSentiment(tmp_path).layout == files


def test_the_official_folder_gives_sentences_splits_and_labels(official: Path) -> None:
    treebank = StanfordSentiment(official)
    assert treebank.layout == "official"
    assert treebank.sentences("train") == [["Good", "fun"], ["A", "cliché", "-LRB-", "or", "two", "-RRB-"]]
    assert treebank.sentences("dev") == [["Great"]]
    assert [treebank.labels(split).tolist() for split in SPLITS] == [[2, 3], [4], [0]]
    assert [len(sentence) for sentence in treebank.sentences()] == [2, 6, 1, 1]


@pytest.mark.parametrize(
    ("score", "label"),
    [(0, 0), (0.2, 0), (0.201, 1), (0.4, 1), (0.401, 2), (0.6, 2), (0.601, 3), (0.8, 3), (0.801, 4), (1, 4)],
)
def test_a_label_takes_a_fifth_of_the_scores_with_the_upper_bound(official: Path, score: float, label: int) -> None:
    labels = "phrase ids|sentiment values\n0|0.5\n1|0.5\n2|0.5\n3|{}\n4|0.5\n"
    (official / "sentiment_labels.txt").write_text(labels.format(score), encoding="utf-8")
    assert StanfordSentiment(official).labels("test").tolist() == [label]


@pytest.mark.parametrize("missing", ["dictionary.txt", "sentiment_labels.txt"])
def test_an_official_folder_without_labels_gives_sentences_and_names_the_missing_file(
    official: Path, missing: str
) -> None:
    (official / missing).unlink()
    treebank = StanfordSentiment(official)
    assert treebank.sentences("test") == [["Dull"]]
    with pytest.raises(CorpusError, match=f"{missing} is missing"):
        treebank.labels("test")


def test_an_official_folder_without_splits_gives_all_sentences(official: Path) -> None:
    (official / "datasetSplit.txt").unlink()
    treebank = StanfordSentiment(official)
    assert len(treebank.sentences()) == 4
    with pytest.raises(CorpusError, match=r"datasetSplit\.txt: No such file"):
        treebank.sentences("train")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("train.txt", "(3 Good)\n(2 (2 so\n", r"train\.txt, line 2: malformed tree"),
        ("train.txt", "(3 Good)\n(7 so)\n", r"train\.txt, line 2: a label is '7'"),
        ("train.txt", "(3 Good)\n\n(2 so)\n", r"train\.txt, line 2: malformed tree: an empty line"),
        ("dev.txt", "", r"dev\.txt is empty"),
        ("dev.txt", "\n\n", r"dev\.txt is empty"),
        ("test.txt", None, r"cannot read .*test\.txt: No such file"),
        ("test.txt", b"(3 Good)\n(2 caf\xe9)\n", r"test\.txt, line 2: not UTF-8"),
    ],
)
def test_what_is_wrong_with_trees_is_said_with_file_and_line(
    trees: Path, name: str, text: str | bytes | None, reason: str
) -> None:
    (trees / name).unlink()
    if text is not None:
        (trees / name).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(LexigradError, match=reason):
        read_all(trees)


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("datasetSentences.txt", "Good fun", "line 6: expected two fields"),
        ("datasetSentences.txt", "one\tGood fun", "line 6: expected a number that no other line has"),
        ("datasetSentences.txt", "4\tGood fun", "line 6: expected a number that no other line has"),
        ("datasetSentences.txt", "5\t ", "line 6: expected a number that no other line has"),
        ("datasetSentences.txt", "5\tGood fun", r"datasetSplit\.txt has no line for sentence 5"),
        ("datasetSplit.txt", "9,1", "line 6: expected the number of a sentence"),
        ("datasetSplit.txt", "4,1", "line 6: expected the number of a sentence"),
        ("datasetSplit.txt", "4", "line 6: expected two fields"),
        ("dictionary.txt", "bad|9", r"dictionary\.txt, line 6: expected a phrase"),
        ("sentiment_labels.txt", "5|1.2", r"sentiment_labels\.txt, line 7: expected a phrase's number"),
        ("sentiment_labels.txt", "5|nan", r"sentiment_labels\.txt, line 7: expected a phrase's number"),
    ],
)
def test_what_is_wrong_with_the_official_files_is_said_with_file_and_line(
    official: Path, name: str, line: str, reason: str
) -> None:
    (official / name).write_text(f"{OFFICIAL[name]}{line}\n", encoding="utf-8")
    with pytest.raises(FormatError, match=reason):
        read_all(official)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "datasetSplit.txt",
            "sentence_index,splitset_label\n1,1\n2,1\n3,1\n4,1\n",
            "names no sentence of the dev split",
        ),
        ("datasetSentences.txt", "sentence_index\tsentence\n", "nothing below its header"),
        ("dictionary.txt", "Great|2\n", "dictionary.txt has no phrase that is sentence 1"),
    ],
)
def test_what_an_official_file_lacks_is_said(official: Path, name: str, text: str, reason: str) -> None:
    (official / name).write_text(text, encoding="utf-8")
    with pytest.raises(LexigradError, match=reason):
        read_all(official)


def test_a_folder_that_holds_no_treebank_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no treebank"):
        StanfordSentiment(tmp_path)
    with pytest.raises(CorpusError, match="there is no folder"):
        StanfordSentiment(tmp_path / "absent")


def test_a_split_that_there_is_not_is_refused(trees: Path) -> None:
    with pytest.raises(InputError, match="split must be train, dev or test, not 'valid'"):
        StanfordSentiment(trees).sentences("valid")  # type: ignore[arg-type]


def test_the_real_treebank_has_its_known_size_in_both_layouts(data_folder: Path) -> None:
    from_trees = StanfordSentiment(data_folder / "sst")
    from_official = StanfordSentiment(data_folder / "sst" / "stanfordSentimentTreebank")
    assert from_trees.layout == "trees"
    for split, size in zip(SPLITS, (8544, 1101, 2210), strict=True):
        assert len(from_trees.sentences(split)) == len(from_trees.labels(split)) == size
        assert from_trees.sentences(split) == from_official.sentences(split)
    with pytest.raises(CorpusError, match=r"dictionary\.txt is missing"):
        from_official.labels("dev")
