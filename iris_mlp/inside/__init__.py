"""What happens inside PyTorch: traces, numbers and errors of code that is really run.

One module a panel: `callables` (objects that are called), `call_path` (`model(x)` against
`model.forward(x)`), `data_path` (split, scaling, types, loss), `walkthrough` (the numbers of one
flower), `placement` (devices), `relu` and `training_step` (backward by hand). `snippet` runs the
code that a panel shows.
"""
