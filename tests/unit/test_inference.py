"""Lengths in cm to probabilities, held against the arithmetic in double precision; CSV in, out."""

import csv
import io
import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.errors import MeasurementsError
from iris_mlp.inference import (
    Classifier,
    list_extrapolated,
    read_csv,
    read_lengths,
    write_csv,
)

HEADER = "sepal_length,sepal_width,petal_length,petal_width"
IRIS: Any = load_iris()
FLOWERS: np.ndarray = IRIS.data


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(Checkpoint.load(SHIPPED_WEIGHTS))


def refuse(data: bytes | str) -> str:
    """Return the sentence with which a CSV is refused."""
    with pytest.raises(MeasurementsError) as caught:
        read_csv(data.encode() if isinstance(data, str) else data)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert len(sentence) < 300
    return sentence


# The model's answer


def compute_forward(lengths_cm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hidden units, logits and probabilities by the formulas, in double precision."""
    x_train: Any = train_test_split(FLOWERS, test_size=0.2, random_state=42)[0]
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    weights = {name: w.astype(np.float64) for name, w in load_file(SHIPPED_WEIGHTS).items()}
    x = (lengths_cm - low) / (high - low)
    hidden = np.maximum(x @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
    logits = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return hidden, logits, raised / raised.sum(axis=1, keepdims=True)


def test_the_answer_equals_the_arithmetic_in_double_precision(classifier):
    hidden, logits, probabilities = compute_forward(FLOWERS)
    prediction = classifier.predict(FLOWERS)
    assert np.abs(prediction.hidden - hidden).max() < 1e-5
    assert np.abs(prediction.logits - logits).max() < 1e-5
    assert np.abs(prediction.probabilities - probabilities).max() < 1e-5
    assert np.array_equal(prediction.classes, logits.argmax(axis=1))


@given(st.lists(st.lists(st.floats(0, 100), min_size=4, max_size=4), min_size=1, max_size=20))
def test_confidences_sum_to_one_and_are_ordered(classifier, flowers):
    prediction = classifier.predict(np.array(flowers))
    assert np.isfinite(prediction.logits).all()
    for row in range(len(flowers)):
        answer = prediction.describe(row)
        confidences = [entry["confidence"] for entry in answer["confidences"]]
        assert sum(confidences) == pytest.approx(1.0, abs=1e-6)
        assert confidences == sorted(confidences, reverse=True)
        assert answer["label"] == answer["confidences"][0]["label"]
        names = {entry["label"] for entry in answer["confidences"]}
        assert names == {"setosa", "versicolor", "virginica"}


def test_a_flower_is_answered_alike_alone_and_among_others(classifier):
    together = classifier.predict(FLOWERS)
    for row in (0, 60, 149):
        alone = classifier.predict(FLOWERS[row : row + 1])
        assert alone.logits[0] == pytest.approx(together.logits[row], abs=1e-5)


# Lengths


def test_lengths_are_read_from_numbers_and_texts():
    assert read_lengths([5.1, "3.5", 1, " 0.2 "]) == [5.1, 3.5, 1.0, 0.2]
    assert read_lengths([0, 100, 0.0, "1e1"]) == [0.0, 100.0, 0.0, 10.0]


@pytest.mark.parametrize(
    "value", ["long", "", None, "5,1", math.nan, "nan", "inf", -math.inf, True, [1.0], "x" * 9_999]
)
def test_what_is_not_a_length_is_refused_by_name(value):
    with pytest.raises(
        MeasurementsError, match=r"^petal_length is .*, not a length in cm"
    ) as error:
        read_lengths([5.1, 3.5, value, 0.2])
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("value", [-0.1, "-1", 100.1, 1e300])
def test_a_negative_or_absurd_length_is_refused(value):
    with pytest.raises(MeasurementsError, match=r"^sepal_width is .*from 0 to 100 cm is expected"):
        read_lengths([5.1, value, 1.4, 0.2])


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_another_count_than_four_is_refused(count):
    with pytest.raises(MeasurementsError, match=rf"^{count} values; four are expected"):
        read_lengths([1.0] * count)


def test_extrapolation_names_what_is_outside_the_data():
    assert list_extrapolated([5.1, 3.5, 1.4, 0.2]) == []
    assert list_extrapolated([4.3, 2.0, 1.0, 0.1]) == []
    assert list_extrapolated([7.9, 4.4, 6.9, 2.5]) == []
    assert list_extrapolated([4.2, 3.5, 7.0, 2.5]) == ["sepal_length", "petal_length"]
    assert list_extrapolated([8.0, 1.9, 0.9, 2.6]) == [
        "sepal_length",
        "sepal_width",
        "petal_length",
        "petal_width",
    ]
    assert all(list_extrapolated(flower) == [] for flower in FLOWERS)


# CSV in

TWO = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n",
        "5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5",
        "petal_width,sepal_length,petal_length,sepal_width\n0.2,5.1,1.4,3.5\n2.5,6.3,6.0,3.3\n",
        "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n"
        "5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n",
        "Sepal.Length,Sepal.Width,Petal.Length,Petal.Width,Species\n"
        "5.1,3.5,1.4,0.2,setosa\n6.3,3.3,6.0,2.5,virginica\n",
        "id,SEPAL_LENGTH_CM, sepal_width ,petal_length,note,petal_width\n"
        '1,5.1,3.5,1.4,"a, b",0.2\n2,6.3,3.3,6.0,,2.5\n',
        f"\ufeff{HEADER}\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n",
        "5.1,3.5,1.4,0.2\r\n6.3,3.3,6.0,2.5\r\n",
        "5.1,3.5,1.4,0.2\r6.3,3.3,6.0,2.5\r",
        "\n\n5.1,3.5,1.4,0.2\n  ,,\n6.3,3.3,6.0,2.5\n\n",
        '"5.1","3.5"," 1.4\n",0.2\n6.3,3.3,6.0,2.5\n',
    ],
    ids=[
        "header",
        "no header",
        "any order",
        "scikit-learn's names",
        "R's names",
        "more columns",
        "byte order mark",
        "Windows",
        "old Macintosh",
        "blank lines",
        "quoted",
    ],
)
def test_flowers_are_read_whatever_the_dress(text):
    assert read_csv(text.encode()).tolist() == TWO


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  \n", b",,,\n", b"\xef\xbb\xbf"])
def test_an_empty_csv_is_refused(data):
    assert "The CSV is empty" in refuse(data)


def test_a_csv_with_a_header_alone_is_refused():
    assert "holds no flower" in refuse(f"{HEADER}\n")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("5.1,long,1.4,0.2", "Row 2: sepal_width is 'long', not a length in cm"),
        ("5.1,3.5,,0.2", "Row 2: petal_length is '', not a length"),
        ("5.1,3.5,1.4,-0.2", "Row 2: petal_width is '-0.2'; a length from 0 to 100 cm"),
        ("nan,3.5,1.4,0.2", "Row 2: sepal_length is 'nan', not a length"),
        ("5.1,inf,1.4,0.2", "Row 2: sepal_width is 'inf', not a length"),
        ("5.1,3.5,1.4,2\0", "Row 2: petal_width is '2\\x00', not a length"),
        ("5.1,3.5,1.4", "Row 2: 3 values"),
        ("5.1,3.5,1.4,0.2,9", "Row 2: 5 values"),
        ("5,1,3,5,1,4,0,2", "Row 2: 8 values"),
    ],
)
@pytest.mark.parametrize("header", ["", f"{HEADER}\n"], ids=["no header", "header"])
def test_a_bad_cell_is_named_by_row_and_column(header, row, sentence):
    assert sentence in refuse(f"{header}5.1,3.5,1.4,0.2\n{row}\n")


def test_columns_are_named_by_the_header_not_by_their_place():
    text = "petal_width,sepal_length,petal_length,sepal_width\n0.2,5.1,x,3.5\n"
    assert "Row 1: petal_length is 'x'" in refuse(text)


def test_a_short_row_is_not_mistaken_for_one_without_header():
    text = "sepal_length,sepal_width,petal_length,id,petal_width\n5.1,3.5,1.4,7\n"
    assert "Row 1: 4 values under a header of 5 columns" in refuse(text)


def test_missing_columns_are_named():
    text = "sepal_length,petal_length,colour\n5.1,1.4,red\n"
    assert "no column sepal_width, petal_width" in refuse(text)


@pytest.mark.parametrize("separator", [";", "\t", " ", "|"])
@pytest.mark.parametrize("header", ["", f"{HEADER}\n"], ids=["no header", "header"])
def test_another_separator_is_answered_with_commas(header, separator):
    text = f"{header}5.1,3.5,1.4,0.2\n".replace(",", separator)
    assert "one column; four, separated by commas" in refuse(text)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252"])
def test_another_encoding_is_refused(encoding):
    data = f"{HEADER},note\n5.1,3.5,1.4,0.2,schön\n".encode(encoding)
    assert "not UTF-8 text" in refuse(data)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_wide_encoding_without_a_mark_is_refused(encoding):
    refuse(f"{HEADER}\n5.1,3.5,1.4,0.2\n".encode(encoding))


def test_ten_thousand_rows_are_read_and_one_more_is_refused():
    assert read_csv(b"5.1,3.5,1.4,0.2\n" * 10_000).shape == (10_000, 4)
    assert "10,001 rows; at most 10,000" in refuse(b"5.1,3.5,1.4,0.2\n" * 10_001)


def test_a_million_rows_are_refused_by_size():
    assert "larger than 2 MiB" in refuse(b"5.1,3.5,1.4,0.2\n" * 1_000_000)


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b"1" * 200_000 + b'",1,1,1',
        b"," * 2_000_000 + b"1",
        b'"unclosed,1,1,1\n1,1,1,1',
        b"\0" * 1_000,
        b"<script>alert(1)</script>,1,1,1",
        b"=1+1,1,1,1",
    ],
    ids=["huge cell", "huge row", "unclosed quote", "zeros", "script", "formula"],
)
def test_an_odd_csv_is_refused(data):
    refuse(data)


ODD_CELLS = st.sampled_from(
    ["5.1", "-1", "", "nan", chr(34), ";", "\r", "\0", "1e999", *HEADER.split(",")]
)
ODD_TABLES = st.lists(st.lists(ODD_CELLS, max_size=6).map(",".join), max_size=6).map("\n".join)


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | ODD_TABLES.map(str.encode))
@example(b"sepal_length,sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4,5")
def test_any_bytes_are_flowers_or_a_sentence(data):
    with suppress(MeasurementsError):
        flowers = read_csv(data)
        assert flowers.ndim == 2
        assert flowers.shape[1] == 4
        assert ((flowers >= 0) & (flowers <= 100)).all()


# CSV out


def test_csv_out_has_one_label_and_three_confidences_a_row(classifier):
    prediction = classifier.predict(FLOWERS)
    rows = list(csv.DictReader(io.StringIO(write_csv(FLOWERS, prediction))))
    _, _, probabilities = compute_forward(FLOWERS)
    assert len(rows) == 150
    names = ("setosa", "versicolor", "virginica")
    for row, flower, expected in zip(rows, FLOWERS, probabilities):
        assert [float(row[name]) for name in HEADER.split(",")] == flower.tolist()
        assert row["label"] == names[expected.argmax()]
        assert [float(row[name]) for name in names] == pytest.approx(expected, abs=1e-5)


def test_csv_out_can_be_read_in_again(classifier):
    text = write_csv(FLOWERS, classifier.predict(FLOWERS))
    assert np.array_equal(read_csv(text.encode()), FLOWERS)
