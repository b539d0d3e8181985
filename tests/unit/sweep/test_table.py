"""The table of a sweep: every digit in it, whole after a break, and read again to go on."""

import csv
import sys
from dataclasses import replace

import pytest

from iris_mlp.errors import OutputError, SettingsError
from iris_mlp.sweep.results import COLUMNS, Tally
from iris_mlp.sweep.run import sweep
from iris_mlp.sweep.settings import SweepConfig
from iris_mlp.sweep.table import FinishedLanes, check_format, write_table

CONFIG = SweepConfig(lr=(0.01, 0.1), epochs=(5,), seeds=range(4), device="cpu")


@pytest.fixture(scope="module")
def results():
    return list(sweep(CONFIG))


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_broken(path, results, error=KeyboardInterrupt):
    def broken():
        yield from results
        raise error

    with pytest.raises(error):
        write_table(path, broken())


def test_csv_holds_every_digit(results, tmp_path):
    write_table(tmp_path / "sweep.csv", results)
    rows = read_rows(tmp_path / "sweep.csv")
    assert tuple(rows[0]) == COLUMNS
    assert [(int(row["seed"]), float(row["final_loss"])) for row in rows] == [
        (result.config.seed, result.final_loss) for result in results
    ]
    assert {row["device"] for row in rows} == {"cpu"}


@pytest.mark.parametrize("name", ["sweep.csv", "sweep.parquet"])
def test_a_table_keeps_the_rows_of_a_sweep_that_breaks(results, tmp_path, name):
    write_broken(tmp_path / name, results[:3])
    if name.endswith("csv"):
        assert len(read_rows(tmp_path / name)) == 3
    else:
        from pyarrow import parquet

        assert parquet.read_table(tmp_path / name).num_rows == 3


def test_parquet_has_the_values_and_kinds_of_the_results(results, tmp_path):
    from pyarrow import parquet

    diverged = replace(results[0], outcome="diverged", final_loss=None, test_accuracy=None)
    write_table(tmp_path / "sweep.parquet", [*results, diverged])
    table = parquet.read_table(tmp_path / "sweep.parquet")
    assert tuple(table.column_names) == COLUMNS
    assert table.to_pylist() == [result.to_row() for result in [*results, diverged]]
    assert [str(table.schema.field(name).type) for name in ("lr", "seed", "device")] == [
        *("double", "int64", "string")
    ]


def test_unwritable_csv_is_refused(tmp_path):
    with pytest.raises(OutputError, match="Cannot write"):
        write_table(tmp_path / "missing" / "sweep.csv", [])


def test_parquet_is_refused_where_it_cannot_go_on_or_has_no_writer(tmp_path, monkeypatch):
    path = tmp_path / "sweep.parquet"
    with pytest.raises(OutputError, match=r"cannot be continued.* write a CSV"):
        check_format(path, resume=True)
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where it is not installed
    with pytest.raises(OutputError, match=r"package pyarrow.* write a CSV"):
        check_format(path, resume=False)
    check_format(tmp_path / "sweep.csv", resume=True)


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_a_broken_sweep_goes_on_to_the_rows_of_one_that_did_not_break(results, tmp_path, cut):
    path = tmp_path / "sweep.csv"
    write_broken(path, results[2:6])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - cut])  # a process that was killed leaves half a row
    tally = Tally(len(CONFIG))
    finished = FinishedLanes(path, CONFIG, tally)
    assert finished.rows == tally.done == tally.resumed == 4 - bool(cut)
    lanes = list(finished.leave_out(CONFIG))
    assert len(lanes) == 4 + bool(cut)
    write_table(path, sweep(lanes), append=True)
    assert sorted(map(tuple, (row.items() for row in read_rows(path)))) == sorted(
        tuple(
            (name, "" if value is None else str(value)) for name, value in result.to_row().items()
        )
        for result in results
    )


def test_the_best_so_far_counts_when_a_sweep_goes_on(results, tmp_path):
    write_table(tmp_path / "sweep.csv", results)
    before, tally = Tally(len(CONFIG)), Tally(len(CONFIG))
    for result in results:
        before.add(result)
    FinishedLanes(tmp_path / "sweep.csv", CONFIG, tally)
    assert tally.best == before.best
    assert tally.summarize(2.0)["lanes_per_s"] == 0.0


def test_no_file_is_a_sweep_that_has_not_begun(tmp_path):
    finished = FinishedLanes(tmp_path / "none.csv", CONFIG, Tally(len(CONFIG)))
    assert list(finished.leave_out(CONFIG)) == list(CONFIG)


def test_equal_draws_are_as_many_trainings(results, tmp_path):
    twice = SweepConfig(lr=(0.01, 0.01), epochs=(5,), seeds=range(2), device="cpu")
    write_table(tmp_path / "sweep.csv", results[:1])
    finished = FinishedLanes(tmp_path / "sweep.csv", twice, Tally(4))
    assert len(list(finished.leave_out(twice))) == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "is not a table of this version's sweeps"),
        ("{header}{row}sgd,0.5,5,10,120,0,cpu,completed,5,1.0,1.0,0.5,0.5\n", "Line 3 of .* no tr"),
        ("{header}{row}{row}", "Line 2 of .* is there twice"),
        ("{header}{row}1,2,3\n", "Line 3 of .* cannot be read"),
        ("{header}{row}sgd,0.1,5,10,120,x,cpu,completed,5,1.0,1.0,0.5,0.5\n", "Line 3 .*be read"),
        ("{header}{row}sgd,0.1,5,10,120,1,cpu,lost,5,1.0,1.0,0.5,0.5\n", "Line 3 .*be read"),
    ],
)
def test_a_table_of_something_else_is_refused(results, tmp_path, text, sentence):
    path = tmp_path / "sweep.csv"
    write_table(path, results[:1])
    header, row = path.read_text().splitlines(keepends=True)
    path.write_text(text.format(header=header, row=row))
    with pytest.raises(SettingsError, match=sentence):
        FinishedLanes(path, CONFIG, Tally(len(CONFIG)))
    assert path.read_text() == text.format(header=header, row=row)
