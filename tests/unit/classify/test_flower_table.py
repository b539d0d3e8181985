"""Tables of flowers as people write them, held against the lengths that scikit-learn has."""

import io
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from iris_mlp.checkpoint import SHIPPED_WEIGHTS
from iris_mlp.classify.table import FlowerTable, read_table
from iris_mlp.errors import MeasurementsError

IRIS: Any = load_iris()
TABLES = sorted((Path(__file__).parents[2] / "tables").iterdir())
SIX = [0, 1, 50, 51, 100, 101]
"""The rows of the data that every file of the folder holds."""
HEADER = "sepal_length,sepal_width,petal_length,petal_width"
ROW = "5.1,3.5,1.4,0.2"
WITHOUT_SPECIES = {
    *("chinese_big5.csv", "chinese_full_width.csv", "chinese_note_gbk.csv", "extra_columns.csv"),
    *("excel_text_formulas.csv", "inches.csv", "japanese_shift_jis.csv", "korean_cp949.csv"),
    *("latin1_note.csv", "libre_calc_german_comma.csv", "millimetres_bracket.csv"),
    *("mixed_units.csv", "numpy_savetxt.txt", "pandas_no_names.csv", "units_in_cells.csv"),
}
ORDER_ASSUMED = {
    *("blanks.txt", "class_first.data", "fortran.txt", "kaggle_without_header.csv"),
    *("pandas_no_names.csv", "pandas_no_names_index.csv", "r_defaults_v1.csv"),
    *("scikit_learn_iris.csv", "tensorflow_iris_training.csv", "uci_bezdekIris.data"),
    *("uci_blanks_after_commas.txt", "uci_crlf.data", "uci_iris.data"),
}


def read(text: str | bytes) -> FlowerTable:
    return read_table(text.encode() if isinstance(text, str) else text)


def refuse(data: bytes | str) -> str:
    """Return the sentence with which a table is refused."""
    with pytest.raises(MeasurementsError) as caught:
        read(data)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert len(sentence) < 300
    return sentence


def list_notes(table: FlowerTable) -> str:
    return "\n".join(map(str, table.notes))


# The world's files


def test_the_folder_holds_many_spellings():
    assert len(TABLES) >= 40


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_the_same_six_flowers_are_read_however_they_are_written(path: Path):
    table = read_table(path.read_bytes())
    assert np.allclose(table.lengths_cm, IRIS.data[SIX], rtol=0, atol=1e-5)
    assert [row.number for row in table.rows] == [1, 2, 3, 4, 5, 6]
    assert [row.warning for row in table.rows] == [None] * 6
    species = [None] * 6 if path.name in WITHOUT_SPECIES else IRIS.target[SIX].tolist()
    assert [row.species for row in table.rows] == species
    assert ("are taken as sepal_length" in list_notes(table)) == (path.name in ORDER_ASSUMED)
    text = path.read_bytes()
    try:
        is_guess = text[:2] not in (b"\xff\xfe", b"\xfe\xff") and not text.decode("utf-8")
    except UnicodeDecodeError:
        is_guess = True
    assert ("not UTF-8" in list_notes(table)) == is_guess


@pytest.mark.parametrize("name", ["kaggle_iris.csv", "extra_columns.csv", "r_write_csv2.csv"])
def test_other_columns_are_kept_as_they_stand(name: str):
    table = read_table((TABLES[0].parent / name).read_bytes())
    first = dict(zip(table.header, table.rows[0].cells))
    if name == "kaggle_iris.csv":
        assert (first["Id"], first["Species"]) == ("1", "Iris-setosa")
    elif name == "extra_columns.csv":
        assert (first["collector"], first["photo"]) == ("Anderson, E.", "img_1.jpg")
    else:
        assert (first["column_1"], first["Sepal.Length"]) == ("1", "5,1")


def test_the_first_line_of_scikit_learns_own_file_is_skipped_and_tells_the_classes():
    path = Path(__import__("sklearn").__file__).parent / "datasets" / "data" / "iris.csv"
    table = read_table(path.read_bytes())
    assert np.array_equal(table.lengths_cm, IRIS.data)
    assert [row.species for row in table.rows] == IRIS.target.tolist()
    assert "Line 1 stands above the flowers" in list_notes(table)
    table = read("2,4,virginica,setosa,versicolor\n6.3,3.3,6.0,2.5,0\n5.1,3.5,1.4,0.2,1\n")
    assert [row.species for row in table.rows] == [2, 0]


# Names of columns


@pytest.mark.parametrize(
    "names",
    [
        "sepal-length,sepal-width,petal-length,petal-width",
        "sepallength,sepalwidth,petallength,petalwidth",
        "SepalLength,SepalWidth,PetalLength,PetalWidth",
        "Sepal.Length,Sepal.Width,Petal.Length,Petal.Width",
        "SEPAL_LENGTH_CM, sepal_width ,petal length (cm),Petal Width [cm]",
        "花萼长度,花萼宽度,花瓣长度,花瓣宽度",
        "萼片长（厘米）,萼片宽（厘米）,花瓣长（厘米）,花瓣宽（厘米）",
        "slength,swidth,plength,pwidth",
        "sepal_lar,sepal_an,petal_lar,petal_an",
        "length of sepal,width of sepal,length of petal,width of petal",
        "Sepal L.,Sepal W.,Petal L.,Petal W.",
        "kelkblad lengte,kelkblad breedte,kroonblad lengte,kroonblad breedte",
        "0,1,2,3",
        "1,2,3,4",
        "x1,x2,x3,x4",
        "V1,V2,V3,V4",
    ],
)
def test_a_header_is_one_whatever_its_names(names: str):
    table = read(f"{names}\n{ROW}\n4.9,3.0,1.4,0.2\n")
    assert table.lengths_cm.tolist() == [[5.1, 3.5, 1.4, 0.2], [4.9, 3.0, 1.4, 0.2]]
    assert table.header == tuple(name.strip() for name in names.split(","))


@pytest.mark.parametrize(
    "name", ["sepal_length_scaled", "sepal_length_ratio", "sepal_area", "sepal_length_width", "len"]
)
def test_what_is_no_length_is_not_taken_for_one(name: str):
    text = f"{name},sepal_width,petal_length,petal_width\n{ROW}\n"
    assert "no column sepal_length" in refuse(text)


def test_a_lonely_quote_is_inches_and_the_rest_of_quotes_is_not():
    names = 'Sepal length ("),Sepal width ("),Petal length ("),Petal width (")'
    assert np.allclose(read(f"{names}\n2,1,1,0.1\n").lengths_cm, [[5.08, 2.54, 2.54, 0.254]])
    names = '“Id,”Sepal.Length","Sepal.Width","Petal.Length","Petal.Width"'
    assert read(f"{names}\n1,{ROW}\n").lengths_cm.tolist() == [[5.1, 3.5, 1.4, 0.2]]


def test_a_long_preamble_is_one_note():
    notes = list_notes(read("# Iris\n# of 1936\n#\n" + HEADER + "\n" + ROW))
    assert (
        notes == "Lines 1 to 3 stand above the flowers and are left out, beginning with '# Iris'."
    )


def test_two_columns_of_one_length_are_named():
    text = f"sepal_length,{HEADER},SepalLengthMm\n5,{ROW},51\n"
    assert "Two columns are sepal_length: 'sepal_length' and 'sepal_length'" in refuse(text)


def test_missing_columns_are_named():
    assert "no column sepal_width, petal_width" in refuse(
        "sepal_length,petal_length,colour\n5.1,1.4,red\n"
    )


def test_a_table_of_something_else_is_refused_with_its_header():
    wine = (
        "fixed acidity;volatile acidity;citric acid;residual sugar;chlorides\n7.4;0.7;0;1.9;0.07\n"
    )
    assert "names none of the lengths: 'fixed acidity; volatile acidity;" in refuse(wine)
    numbers = "1,14.23,1.71,2.43,15.6,127,2.8,3.06\n1,13.2,1.78,2.14,11.2,100,2.65,2.76\n"
    assert "Which columns are the lengths cannot be told" in refuse(numbers)


# Species


@pytest.mark.parametrize(
    ("numbers", "species"),
    [
        ("0 1 2", [0, 1, 2]),
        ("1 2 3", [0, 1, 2]),
        ("1 2 1", [None] * 3),
        ("0 1 0", [None] * 3),
        ("-1 1 -1", [None] * 3),
    ],
)
def test_numbers_are_species_only_where_they_tell_which(numbers: str, species: list[int | None]):
    rows = "".join(f"{ROW},{number}\n" for number in numbers.split())
    table = read(f"{HEADER},target\n{rows}")
    assert [row.species for row in table.rows] == species
    assert ("are taken as setosa" in list_notes(table)) == (species[0] is not None)
    assert ("do not tell which species" in list_notes(table)) == (species[0] is None)


def test_an_unknown_species_is_told_and_not_compared():
    table = read(f"{HEADER},species\n{ROW},Iris-setossa\n{ROW},setosa\n{ROW},I. setosa\n")
    assert [row.species for row in table.rows] == [None, 0, 0]
    assert "Species other than setosa, versicolor, virginica are not compared" in list_notes(table)
    assert "'Iris-setossa' (1 in all)" in list_notes(table)


# Units


@pytest.mark.parametrize(
    ("row", "unit"),
    [("51,35,14,2", "mm"), ("2.01,1.38,0.55,0.08", "inches"), (".051,.035,.014,.002", "m")],
)
def test_lengths_that_look_like_another_unit_are_warned_of_by_row(row: str, unit: str):
    table = read(f"{HEADER}\n{ROW}\n{row}\n")
    assert table.rows[0].warning is None
    assert f"The lengths look like {unit}, not cm" in str(table.rows[1].warning)
    assert np.allclose(table.lengths_cm[1], [float(cell) for cell in row.split(",")])


def test_a_header_that_names_the_wrong_unit_is_doubted():
    table = read("sepal_length_mm,sepal_width_mm,petal_length_mm,petal_width_mm\n" + ROW)
    assert "look like cm, not mm" in str(table.rows[0].warning)


def test_exchanged_columns_are_doubted():
    table = read(f"petal_length,petal_width,sepal_length,sepal_width\n{ROW}\n")
    assert "Sepals and petals look exchanged" in str(table.rows[0].warning)
    table = read(f"sepal_width,sepal_length,petal_width,petal_length\n{ROW}\n")
    assert "Lengths and widths look exchanged" in str(table.rows[0].warning)


def test_scaled_lengths_are_doubted():
    table = read(f"{HEADER}\n0.22,0.63,0.07,0.04\n0.17,0.42,0.07,0.04\n")
    assert "All lengths are from 0 to 1" in list_notes(table)


def test_no_flower_of_the_data_is_doubted():
    rows = "\n".join(",".join(map(str, row)) for row in IRIS.data.tolist())
    assert not any(row.warning for row in read(rows).rows)


# Rows that cannot be read


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("5.1,long,1.4,0.2", "sepal_width is 'long', not a length in cm"),
        ("5.1,3.5,,0.2", "petal_length is '', not a length"),
        ("5.1,3.5,NA,0.2", "petal_length is 'NA', not a length"),
        ("5.1,3.5,1.4,?", "petal_width is '?', not a length"),
        ("5.1,3.5,1.4,-0.2", "petal_width is -0.2; a length from 0 to 100 cm"),
        ("nan,3.5,1.4,0.2", "sepal_length is 'nan', not a length"),
        ("5.1,inf,1.4,0.2", "sepal_width is 'inf', not a length"),
        ("5.1,1e999,1.4,0.2", "sepal_width is inf, not a length"),
        ("5.1,3.5,1.4,2\0", "petal_width is '2\\x00', not a length"),
        ("5.1,3.5,1.4", "3 values where 4 are expected: '5.1, 3.5, 1.4'"),
        ("5.1,3.5,1.4,0.2,9", "5 values where 4 are expected"),
        ("5,1,3,5,1,4,0,2", "8 values where 4 are expected"),
    ],
)
@pytest.mark.parametrize("header", ["", f"{HEADER}\n"], ids=["no header", "header"])
def test_a_row_that_cannot_be_read_is_named_and_the_others_are_read(header, row, sentence):
    table = read(f"{header}{ROW}\n\n{row}\n{ROW}\n")
    bad = table.rows[1]
    assert (bad.number, bad.line, bad.lengths_cm) == (2, 4 if header else 3, None)
    assert sentence in str(bad.warning)
    assert [row.number for row in table.flowers] == [1, 3]
    assert table.lengths_cm.shape == (2, 4)


def test_a_table_of_which_nothing_can_be_read_is_refused_with_its_first_row():
    assert "Line 2 (row 1): petal_width is 'x'" in refuse(f"{HEADER}\n5.1,3.5,1.4,x\n1,2,3,y\n")


def test_lines_are_those_of_the_file_even_where_a_cell_has_several():
    table = read(f'note,{HEADER}\n"two\nlines",{ROW}\nplain,x,3.5,1.4,0.2\n')
    assert [row.line for row in table.rows] == [2, 4]


def test_a_header_in_the_middle_is_a_row_that_cannot_be_read():
    table = read(f"{HEADER}\n{ROW}\n{HEADER}\n{ROW}\n")
    assert "sepal_length is 'sepal_length'" in str(table.rows[1].warning)


# Files that are no table


def make_zip(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (make_zip("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook (.xlsx)"),
        (make_zip("iris.csv"), "a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "an Excel workbook (.xls)"),
        (b'[{"sepalLength": 5.1, "sepalWidth": 3.5}]', "JSON"),
        (b'{"sepal_length": 5.1}\n{"sepal_length": 4.9}\n', "JSON"),
        (b"\n<!DOCTYPE html>\n<html><body>404</body></html>", "a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4551\n",
            "a Git LFS pointer",
        ),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"%PDF-1.7\n", "a PDF"),
        (SHIPPED_WEIGHTS.read_bytes(), "a weights file (safetensors)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_kind_of_file_is_named(data: bytes, kind: str):
    assert f"This is {kind}" in refuse(data)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  \n", b",,,\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(data):
    assert "The CSV is empty" in refuse(data)


@pytest.mark.parametrize("header", [HEADER, "0,1,2,3,4", "150,4,setosa,versicolor,virginica"])
def test_a_header_alone_holds_no_flower(header):
    assert "holds no flower" in refuse(f"{header}\n")


def test_prose_is_refused_with_what_stands_there():
    assert "No row holds four lengths; line 1 reads 'Dear all'" in refuse("Dear all\nhello, you\n")


# Limits


def test_ten_thousand_rows_are_read_and_one_more_is_refused():
    assert read(f"{ROW}\n" * 10_000).lengths_cm.shape == (10_000, 4)
    assert "10,001 rows; at most 10,000" in refuse(f"{ROW}\n" * 10_001)


def test_a_million_rows_are_refused_by_size():
    assert "larger than 2 MiB" in refuse(f"{ROW}\n" * 1_000_000)


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b"1" * 200_000 + b'",1,1,1',
        b"," * 2_000_000 + b"1",
        b"1 " * 1_000_000,
        b'"unclosed,1,1,1\n1,1,1,1',
        b"\0" * 1_000,
        b"<script>alert(1)</script>,1,1,1",
        b"=1+1,1,1,1",
        b"[" * 2_000_000,
    ],
    ids=["huge cell", "huge row", "many cells", "quote", "zeros", "script", "formula", "deep"],
)
def test_an_odd_file_is_refused(data):
    refuse(data)


ODD_CELLS = st.sampled_from(
    [
        *("5.1", "-1", "", "nan", chr(34), ";", "\r", "\0", "1e999", "4", "setosa", "@data", "#"),
        *("5,1", *HEADER.split(",")),
    ]
)
ODD_TABLES = st.lists(st.lists(ODD_CELLS, max_size=6).map(",".join), max_size=6).map("\n".join)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | ODD_TABLES.map(str.encode))
@example(b"sepal_length,sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4,5")
@example("@attribute a\n@data".encode("utf-16"))
def test_any_bytes_are_flowers_or_a_sentence(data):
    with suppress(MeasurementsError):
        table = read_table(data)
        flowers = table.lengths_cm
        assert flowers.shape == (len(table.flowers), 4)
        assert ((flowers >= 0) & (flowers <= 100)).all()
