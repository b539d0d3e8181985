import pytest

from iris_mlp.ui import numbers


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.micros(4.158), "4.16 µs"),
        (numbers.micros(999.96), "1.00 ms"),
        (numbers.micros(65_878), "65.9 ms"),
        (numbers.micros(-188.9), "−189 µs"),
        (numbers.seconds(4.62), "4.62 s"),
        (numbers.digits(20_260.4), "20,260"),
        (numbers.size(332), "332 B"),
        (numbers.size(20_800), "20.3 KiB"),
        (numbers.about(2_347), "2,300"),
        (numbers.about(7.4), "7"),
        (numbers.at_least(51_187_654), "51,100,000"),
        (numbers.percent(-0.56), "−56%"),
        (numbers.percent(-0.001), "0%"),
        (numbers.decimal(0.0), "0"),
        (numbers.decimal(-0.5), "−0.5000"),
        (numbers.decimal(0.5, signed=True), "+0.5000"),
        (numbers.decimal(1e-9), "1.000e−09"),
        (numbers.decimal(123456.0), "1.235e+05"),
        (numbers.exact(-0.25), "−0.25"),
        (numbers.difference(1.26e-7), "1.3e−07"),
    ],
)
def test_numbers_carry_the_digits_that_count_a_unit_and_a_true_minus(written, expected):
    assert written == expected
