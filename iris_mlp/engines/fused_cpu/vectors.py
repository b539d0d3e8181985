"""Vectors of float32 in registers, for functions that Numba compiles: it has no such type.

Each operation is one or a few LLVM instructions on a whole vector; where a CPU's registers are
shorter, LLVM splits them. Operations that read an array take a flat index.
"""

import inspect
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from iris_mlp.engines.fused_cpu.layout import LANES, UNIT

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_FUSE = ("contract",)  # a product and a sum may become one fused multiply-add


class _VectorType(types.Type):
    def __init__(self, lanes: int) -> None:
        self.ir_type = ir.VectorType(_FLOAT, lanes)
        super().__init__(f"float32x{lanes}")


@register_model(_VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: _VectorType) -> None:
        super().__init__(manager, vector, vector.ir_type)


_VECTOR, _UNIT_VECTOR = _VectorType(LANES), _VectorType(UNIT)


def _operation(result: types.Type) -> Callable[[Callable[..., Any]], Any]:
    """Turn `emit(builder, *values)`, which writes LLVM IR, into a function for compiled code.

    An array among the values comes as the pointer to its first number.
    """

    def decorate(emit: Callable[..., Any]) -> Any:
        def declare(_context: Any, *kinds: Any) -> Any:
            def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
                plain = [
                    context.make_array(kind)(context, builder, value).data
                    if isinstance(kind, types.Array)
                    else value
                    for kind, value in zip(kinds, values)
                ]
                return emit(builder, *plain)

            return result(*kinds), generate

        declare.__signature__ = inspect.signature(emit)  # type: ignore[attr-defined]
        declare.__name__ = emit.__name__  # type: ignore[attr-defined]
        return intrinsic(declare)

    return decorate


def _fill(value: float, kind: ir.Type = _FLOAT) -> ir.Constant:
    return ir.Constant(ir.VectorType(kind, LANES), [value] * LANES)


def _spread(builder: Any, number: Any) -> Any:
    first = builder.insert_element(_fill(0.0), number, _INT(0))
    return _shuffle(builder, first, first, [0] * LANES)


def _shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_INT, len(lanes)), lanes))


def _call(builder: Any, name: str, *values: Any) -> Any:
    kind = values[0].type
    name = f"{name}.v{kind.count}f32"
    function = builder.module.globals.get(name) or ir.Function(
        builder.module, ir.FunctionType(kind, [value.type for value in values]), name
    )
    return builder.call(function, values)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return _call(builder, "llvm.fmuladd", a, b, c)


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    value = _fill(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = _fma(builder, value, x, _fill(coefficient))
    return value


@_operation(_VECTOR)
def load(builder, array, index):
    """Return the numbers of an array from an index on."""
    pointer = builder.bitcast(builder.gep(array, [index]), _VECTOR.ir_type.as_pointer())
    return builder.load(pointer, align=4)


@_operation(_VECTOR)
def splat(builder, array, index):
    """Return one number of an array in every lane."""
    return _spread(builder, builder.load(builder.gep(array, [index])))


@_operation(_VECTOR)
def fill(builder, number):
    """Return one float32 in every lane."""
    return _spread(builder, number)


@_operation(types.void)
def store(builder, array, index, vector):
    """Write a vector, long or short, into an array from an index on."""
    pointer = builder.bitcast(builder.gep(array, [index]), vector.type.as_pointer())
    builder.store(vector, pointer, align=4)
    return ir.Constant(ir.IntType(8).as_pointer(), None)


@_operation(_VECTOR)
def sqrt(builder, a):
    """Return the square root of each number."""
    return _call(builder, "llvm.sqrt", a)


@_operation(_VECTOR)
def relu(builder, a):
    """Return the larger of 0 and each number; NaN stays."""
    zero = _fill(0.0)
    return builder.select(builder.fcmp_ordered("<", a, zero), zero, a)


@_operation(_VECTOR)
def keep_where_positive(builder, a, gate):
    """Return a where gate is above 0, else 0."""
    zero = _fill(0.0)
    return builder.select(builder.fcmp_ordered(">", gate, zero), a, zero)


@_operation(types.boolean)
def any_below(builder, a, bound):
    """Tell whether some number is below a bound, or NaN."""
    below = builder.fcmp_unordered("<", a, bound)
    bits = builder.bitcast(below, ir.IntType(LANES))
    return builder.icmp_unsigned("!=", bits, ir.IntType(LANES)(0))


@_operation(_VECTOR)
def maximum(builder, a, b):
    """Return the larger of each two numbers; b where one is NaN."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


@_operation(_VECTOR)
def exp(builder, a):
    """Return e to each number, within 4e-7 relative for |a| < 10 and 4e-6 up to the limit of 87.

    2 ** (n + f) with n whole and |f| <= 1/2: n goes into the exponent's bits, and a polynomial
    (minimax, relative error 9e-8) gives 2 ** f. Adding 1.5 * 2 ** 23 rounds to a whole number.
    """
    log2_e, rounder = _fill(1.4426950408889634), _fill(12582912.0)
    shifted = _fma(builder, a, log2_e, rounder)
    whole = builder.fsub(shifted, rounder)
    fraction = _fma(builder, a, log2_e, builder.fneg(whole))
    power = _polynomial(
        builder,
        fraction,
        (
            1.0,
            0.6931469775845964,
            0.2402224208455592,
            0.055507337577563105,
            0.009671512704460494,
            0.00132647239375404,
        ),
    )
    ints = ir.VectorType(_INT, LANES)
    exponent = builder.shl(builder.bitcast(shifted, ints), _fill(23, _INT))
    bits = builder.add(builder.bitcast(power, ints), exponent)
    return builder.bitcast(bits, _VECTOR.ir_type)


@_operation(_VECTOR)
def log(builder, a):
    """Return the natural logarithm of each number, which must be positive and normal.

    a = m * 2 ** n with sqrt(1/2) <= m < sqrt(2); log(m) = (m - 1) * polynomial(m - 1) (minimax,
    relative error 3e-8), so that it is also exact to float32 where a is nearly 1.
    """
    ints = ir.VectorType(_INT, LANES)
    bits = builder.bitcast(a, ints)
    exponent = builder.ashr(builder.sub(bits, _fill(0x3F3504F3, _INT)), _fill(23, _INT))
    mantissa = builder.bitcast(
        builder.sub(bits, builder.shl(exponent, _fill(23, _INT))), _VECTOR.ir_type
    )
    rest = builder.fsub(mantissa, _fill(1.0))
    slope = _polynomial(
        builder,
        rest,
        (
            0.9999999743696637,
            -0.4999998798700722,
            0.3333418397186968,
            -0.2500207183307752,
            0.19956870359934897,
            -0.16562456136911716,
            0.14952036950051392,
            -0.1436636800073313,
            0.08722319861485342,
        ),
    )
    scale = builder.fmul(builder.sitofp(exponent, _VECTOR.ir_type), _fill(0.6931471805599453))
    return _fma(builder, rest, slope, scale)


@_operation(types.float32)
def total(builder, a):
    """Return the sum of all lanes."""
    while a.type.count > 1:
        half = a.type.count // 2
        low = _shuffle(builder, a, a, list(range(half)))
        high = _shuffle(builder, a, a, list(range(half, 2 * half)))
        a = builder.fadd(low, high)
    return builder.extract_element(a, _INT(0))


@_operation(_UNIT_VECTOR)
def sum_lanes(builder, a, b, c, d, e, f, g, h):
    """Return the sums of all lanes of eight vectors, side by side.

    Neighbours are added while two vectors are merged into one, which takes far fewer instructions
    than eight sums one after the other.
    """

    def merge(a: Any, b: Any) -> Any:
        starts = [base + side for base in range(0, LANES, 4) for side in (0, LANES)]
        even = [start + lane for start in starts for lane in (0, 2)]
        return add_shuffled(a, b, even, [lane + 1 for lane in even])

    def add_shuffled(a: Any, b: Any, lanes: list[int], others: list[int]) -> Any:
        return builder.fadd(_shuffle(builder, a, b, lanes), _shuffle(builder, a, b, others))

    low = merge(merge(a, b), merge(c, d))
    high = merge(merge(e, f), merge(g, h))
    quads = [[4 * quad + lane for lane in range(4)] for quad in range(2 * LANES // 4)]
    if LANES == 16:
        first, second = quads[0] + quads[1], quads[2] + quads[3]
        third, fourth = quads[4] + quads[5], quads[6] + quads[7]
        both = add_shuffled(low, high, first + third, second + fourth)
        return add_shuffled(both, both, quads[0] + quads[2], quads[1] + quads[3])
    return add_shuffled(low, high, quads[0] + quads[2], quads[1] + quads[3])


@_operation(_VECTOR)
def subtract_class_0(builder, a):
    """Return units (8 numbers each) with number 7 taken off numbers 5 and 6."""
    zero = LANES
    lanes = [
        unit + 7 if lane in (5, 6) else zero for unit in range(0, LANES, 8) for lane in range(8)
    ]
    return builder.fsub(a, _shuffle(builder, a, _fill(0.0), lanes))


def _overload_operator(symbol: Callable[..., Any], method: str) -> None:
    @_operation(_VECTOR)
    def compute(builder, a, b):
        return getattr(builder, method)(a, b, flags=_FUSE)

    @overload(symbol)
    def choose(a, b):
        if isinstance(a, _VectorType) and isinstance(b, _VectorType):
            return lambda a, b: compute(a, b)
        return None


for _symbol, _method in (
    (operator.add, "fadd"),
    (operator.iadd, "fadd"),
    (operator.imul, "fmul"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _overload_operator(_symbol, _method)
