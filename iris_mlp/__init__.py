"""Iris MLP: learn how a small neural network trains on a CPU and on a GPU."""

__version__ = "0.1.0"
