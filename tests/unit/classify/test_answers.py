"""The answers for a table: each row with its own columns, warnings, and how many are right."""

import csv
import io
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import confusion_matrix

from iris_mlp.classify.answers import compare, describe, list_warnings, write_csv
from iris_mlp.classify.table import FlowerTable, read_table
from iris_mlp.inference import Prediction, shipped_classifier

IRIS: Any = load_iris()
NAMES = ("setosa", "versicolor", "virginica")
HEADER = "sepal_length,sepal_width,petal_length,petal_width"


def answer(text: str) -> tuple[FlowerTable, Prediction]:
    table = read_table(text.encode())
    return table, shipped_classifier().predict(table.lengths_cm)


@pytest.fixture(scope="module")
def kaggle() -> str:
    """All 150 flowers as Kaggle publishes them."""
    rows = (
        f"{number},{','.join(map(str, flower))},Iris-{NAMES[species]}\n"
        for number, (flower, species) in enumerate(zip(IRIS.data.tolist(), IRIS.target), start=1)
    )
    return "Id,SepalLengthCm,SepalWidthCm,PetalLengthCm,PetalWidthCm,Species\n" + "".join(rows)


def test_a_known_species_is_compared_as_scikit_learn_does(kaggle):
    comparison = compare(*answer(kaggle))
    predicted = shipped_classifier().predict(IRIS.data).classes
    assert comparison is not None
    assert comparison.confusion.tolist() == confusion_matrix(IRIS.target, predicted).tolist()
    assert (comparison.rows, comparison.right) == (150, int((predicted == IRIS.target).sum()))


def test_without_a_species_nothing_is_compared():
    assert compare(*answer("5.1,3.5,1.4,0.2\n")) is None


def test_csv_out_keeps_each_row_and_adds_the_answer(kaggle):
    rows = list(csv.DictReader(io.StringIO(write_csv(*answer(kaggle)))))
    expected = shipped_classifier().predict(IRIS.data)
    assert len(rows) == 150
    for number, (row, probabilities) in enumerate(zip(rows, expected.probabilities), start=1):
        assert row["row"] == row["Id"] == str(number)
        assert row["Species"] == f"Iris-{NAMES[IRIS.target[number - 1]]}"
        assert row["label"] == NAMES[probabilities.argmax()]
        assert [float(row[name]) for name in NAMES] == pytest.approx(probabilities, abs=1e-6)
        assert row["warning"] == ""


def test_csv_out_names_what_is_odd_beside_its_row():
    text = "5.1,3.5,1.4,0.2\n51,35,14,2\n5.1,NA,1.4,0.2\n5.1,3.5\n9.9,3.5,1.4,0.2\n"
    rows = list(csv.DictReader(io.StringIO(write_csv(*answer(text)))))
    assert [row["row"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[0]["warning"] == ""
    assert rows[1]["label"] == "setosa"
    assert "look like mm" in rows[1]["warning"]
    assert (rows[2]["label"], rows[2]["sepal_width"]) == ("", "NA")
    assert "sepal_width is 'NA'" in rows[2]["warning"]
    assert "2 values where 4 are expected" in rows[3]["warning"]
    assert rows[4]["warning"] == "outside the range of the data: sepal_length"


def test_csv_out_can_be_read_in_again(kaggle):
    first = write_csv(*answer(kaggle))
    again, prediction = answer(first)
    assert np.array_equal(again.lengths_cm, IRIS.data)
    rows = list(csv.DictReader(io.StringIO(write_csv(again, prediction))))
    assert [row["answer_row"] for row in rows] == [row["row"] for row in rows]
    assert [row["answer_label"] for row in rows] == [row["label"] for row in rows]


def test_warnings_of_one_cause_are_one_sentence():
    table, _ = answer("51,35,14,2\n49,30,14,2\n5.1,x,1.4,0.2\n")
    first, second = map(str, list_warnings(table))
    assert first.startswith("2 rows, the first on line 1 (row 1): The lengths look like mm")
    assert second == "Line 3 (row 3): sepal_width is 'x', not a length in cm."


def test_json_holds_what_the_csv_holds():
    text = f"{HEADER},species,plot\n5.1,3.5,1.4,0.2,setosa,A\n5.1,3.5,?,0.2,setosa,B\n"
    found = describe(*answer(text))
    (flower,) = found["flowers"]
    assert (flower["row"], flower["line"], flower["label"]) == (1, 2, "setosa")
    assert (flower["columns"]["plot"], flower["species"]) == ("A", "setosa")
    assert flower["lengths_cm"] == (5.1, 3.5, 1.4, 0.2)
    (unread,) = found["unread"]
    assert (unread["row"], unread["line"], unread["cells"][-1]) == (2, 3, "B")
    assert "petal_length is '?'" in unread["reason"]
    assert found["comparison"]["accuracy"] == 1.0
    assert found["comparison"]["confusion"] == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
