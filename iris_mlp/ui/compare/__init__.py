"""The CPU vs GPU tab."""
