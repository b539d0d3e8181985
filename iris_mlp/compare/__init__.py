"""CPU against GPU: races of the lesson run, and where the time of one epoch goes.

One module an experiment: `race` (devices and engines against each other; `verdict` says who won),
`ledger` (the parts of an epoch, with `profiling`), `reads` (what reading the loss costs),
`crossover` (when the work is large enough for a GPU), `noise` and `batch` (what a small batch
costs), `memory` and `vram` (what fits on a card), `published` (times that others measured).
They share `lesson_loop` (what is timed) and `compared` (which devices).
"""
