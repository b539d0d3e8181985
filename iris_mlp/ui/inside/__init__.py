"""The Inside PyTorch tab."""
