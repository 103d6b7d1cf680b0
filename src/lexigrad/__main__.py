"""``python -m lexigrad``: the command line."""

from __future__ import annotations

from lexigrad.cli.main import main

if __name__ == "__main__":
    main()
