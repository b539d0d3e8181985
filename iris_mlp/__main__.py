"""`python -m iris_mlp`: the command line."""

from iris_mlp.cli import main

if __name__ == "__main__":
    main()
