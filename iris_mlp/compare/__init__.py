"""CPU against GPU: races of the lesson run, and where the time of one epoch goes.

One module an experiment: `race` (devices and engines against each other; `verdict` says who won),
`ledger` (the parts of an epoch, with `profiling`), `record_every` (what reading the loss costs),
`crossover` (when the work is large enough for a GPU), `published` (times that others measured),
`measured` (all of them on a machine with a GPU, kept for machines that have none).
They share `lesson_loop` (what is timed) and `line_fit`.
"""
