"""`model(x)` against `model.forward(x)`: the calls of this PyTorch version, traced as they run."""

import inspect
import linecache
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from iris_mlp.errors import SettingsError
from iris_mlp.inside.snippet import FILE_NAME, run_snippet
from iris_mlp.model import IrisMLP

Style = Literal["call", "forward"]
Shape = tuple[int, ...]

CODE: dict[Style, str] = {
    "call": "logits = model(x)\n",
    "forward": "logits = model.forward(x)\n",
}
LAYERS = ("model", "fc1", "relu", "fc2")

_OPERATIONS = ("torch", "torch._C._nn")
"""Where PyTorch's built-in operations on tensors say that they live."""

_ROOTS = (Path(torch.__file__).parent.parent, Path(__file__).parent.parent.parent)


@dataclass(frozen=True)
class Frame:
    """One call within the traced one.

    Attributes:
        depth: 0 for what the traced line called itself.
        kind: `python`, or `c` for a built-in function.
        name: Qualified name of the function.
        alias: The name by which the lesson knows it, such as `IrisMLP.__call__`; else None.
        layer: Which of `LAYERS` it works for.
        file: For Python, the file that holds it, relative to what it is installed in, such as
            `torch/nn/modules/linear.py`; for C, the file that calls it.
        line: For Python, the line where it begins; for C, the line that calls it.
        source: The text of that line.
        input_shapes: Shapes of the tensors among its arguments; empty for C, which hides them.
        output_shape: Shape of the tensor that it returned; None for others and for C.
        is_main: Whether it lies on the way to an operation on tensors or to a hook; the rest looks
            up attributes and asks about modes.
    """

    depth: int
    kind: Literal["python", "c"]
    name: str
    alias: str | None
    layer: str
    file: str
    line: int
    source: str
    input_shapes: tuple[Shape, ...]
    output_shape: Shape | None
    is_main: bool


@dataclass(frozen=True)
class Firing:
    """A hook that ran.

    Attributes:
        kind: `forward_pre_hook` or `forward_hook`.
        layer: The one of `LAYERS` that it hangs on.
        input_shape: Shape of the module's input.
        output_shape: Shape of its output; None before forward.
    """

    kind: Literal["forward_pre_hook", "forward_hook"]
    layer: str
    input_shape: Shape
    output_shape: Shape | None


@dataclass(frozen=True)
class CallTrace:
    """A traced call.

    Attributes:
        code: The line that was run.
        frames: Every call within it, in the order of their beginning.
        firings: Hooks that ran, in their order.
        logits: What came out, shape (n, 3).
    """

    code: str
    frames: tuple[Frame, ...]
    firings: tuple[Firing, ...]
    logits: list[list[float]]


def trace_call(
    model: IrisMLP, x: Tensor, style: Style = "call", hooked: Sequence[str] = ()
) -> CallTrace:
    """Run `model(x)` or `model.forward(x)` and record every call that this thread makes in it.

    A profile function that was set before is back afterwards, whatever happens; hooks are removed.

    Args:
        model: The model; it must not be in use by another thread.
        x: Scaled inputs of shape (n, 4).
        style: `call` or `forward`.
        hooked: Which of `LAYERS` get a forward pre-hook and a forward hook.

    Raises:
        SettingsError: The style or a layer is unknown.
    """
    if style not in CODE or not set(hooked) <= set(LAYERS):
        raise SettingsError(
            "style must be one of {styles}, and layers of {layers}.",
            styles=", ".join(CODE),
            layers=", ".join(LAYERS),
        )
    modules = {"model": model, "fc1": model.fc1, "relu": model.relu, "fc2": model.fc2}
    firings: list[Firing] = []
    handles = [handle for layer in hooked for handle in add_hooks(modules[layer], layer, firings)]
    recorder = _Recorder({id(module): layer for layer, module in modules.items()})
    previous = sys.getprofile()
    try:
        with torch.no_grad():
            sys.setprofile(recorder)
            snippet = run_snippet(CODE[style], model=model, x=x)
    finally:
        sys.setprofile(previous)
        for handle in handles:
            handle.remove()
    logits = snippet.names["logits"].tolist()
    return CallTrace(CODE[style], recorder.list_frames(), tuple(firings), logits)


def add_hooks(module: nn.Module, layer: str, firings: list[Firing]) -> list[Any]:
    """Hang a forward pre-hook and a forward hook on a module; return what removes them."""

    def forward_pre_hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        firings.append(Firing("forward_pre_hook", layer, tuple(inputs[0].shape), None))

    def forward_hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        firings.append(Firing("forward_hook", layer, tuple(inputs[0].shape), tuple(output.shape)))

    return [
        module.register_forward_pre_hook(forward_pre_hook),
        module.register_forward_hook(forward_hook),
    ]


def get_sources() -> dict[str, str]:
    """Return the source of what a trace goes through, as it is installed here.

    Keys: `module_call` (PyTorch's `nn.Module.__call__`), `call_impl` (what it calls), `forward`
    (the model's), `hooks` (the two hooks of this page).
    """
    functions: dict[str, Callable[..., Any]] = {
        "module_call": nn.Module.__call__,
        "call_impl": nn.Module._call_impl,
        "forward": IrisMLP.forward,
        "hooks": add_hooks,
    }
    return {name: inspect.getsource(function) for name, function in functions.items()}


class _Recorder:
    """A profile function (see `sys.setprofile`) that keeps the calls below the shown code."""

    def __init__(self, layers: dict[int, str]) -> None:
        self._layers = layers
        self._frames: list[Frame] = []
        self._open: list[int] | None = None  # indices of the calls that still run

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if frame.f_code.co_filename == FILE_NAME and event in ("call", "return"):
            self._open = [] if event == "call" else None
        elif self._open is None:
            return
        elif event == "call":
            self._begin(self._describe_python(frame, len(self._open)))
        elif event == "c_call":
            self._begin(self._describe_c(frame, argument, len(self._open)))
        elif self._open:
            index = self._open.pop()
            if event == "return" and isinstance(argument, Tensor):
                shape = tuple(argument.shape)
                self._frames[index] = replace(self._frames[index], output_shape=shape)

    def list_frames(self) -> tuple[Frame, ...]:
        return tuple(self._frames)

    def _begin(self, frame: Frame) -> None:
        assert self._open is not None
        self._open.append(len(self._frames))
        self._frames.append(frame)
        if frame.is_main:
            for index in self._open:
                self._frames[index] = replace(self._frames[index], is_main=True)

    def _describe_python(self, frame: FrameType, depth: int) -> Frame:
        code, names = frame.f_code, frame.f_locals
        owner = names.get("self")
        alias = None
        if code is nn.Module.__call__.__code__:
            alias = f"{type(owner).__name__}.__call__"
        arguments = [names.get(name) for name in code.co_varnames[: code.co_argcount]]
        if code.co_flags & inspect.CO_VARARGS:
            arguments.append(names.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount]))
        tensors = [
            value
            for argument in arguments
            for value in (argument if isinstance(argument, tuple) else (argument,))
            if isinstance(value, Tensor)
        ]
        return Frame(
            depth=depth,
            kind="python",
            name=code.co_qualname,
            alias=alias,
            layer=self._layers.get(id(owner)) or self._inherit_layer(),
            file=_shorten(code.co_filename),
            line=code.co_firstlineno,
            source=linecache.getline(code.co_filename, code.co_firstlineno).strip(),
            input_shapes=tuple(tuple(tensor.shape) for tensor in tensors),
            output_shape=None,
            is_main=code.co_qualname.startswith(add_hooks.__qualname__),
        )

    def _describe_c(self, frame: FrameType, function: Any, depth: int) -> Frame:
        module = getattr(function, "__module__", None)
        name = getattr(function, "__name__", repr(function))
        return Frame(
            depth=depth,
            kind="c",
            name=f"{module}.{name}" if module else name,
            alias="torch.nn.functional.linear" if function is nn.functional.linear else None,
            layer=self._inherit_layer(),
            file=_shorten(frame.f_code.co_filename),
            line=frame.f_lineno,
            source=linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip(),
            input_shapes=(),
            output_shape=None,
            is_main=module in _OPERATIONS,
        )

    def _inherit_layer(self) -> str:
        return self._frames[self._open[-1]].layer if self._open else "model"


def _shorten(file: str) -> str:
    """Return a file relative to what it is installed in; no path of this machine is shown."""
    for root in _ROOTS:
        if Path(file).is_relative_to(root):
            return Path(file).relative_to(root).as_posix()
    return Path(file).name
