"""What happens inside PyTorch: traces, numbers and errors of code that is really run.

One module a panel: `callables` (objects that are called), `call_path` (`model(x)` against
`model.forward(x)`), `walkthrough` (the numbers of one flower), `placement` (devices), `relu_forms`
and `training_step` (backward by hand). `snippet` runs the code that a panel shows.
"""
