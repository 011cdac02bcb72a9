"""`python -m qana_desktop.cli`: the command line where the console script is not on the path."""

from __future__ import annotations

from qana_desktop.cli import main

if __name__ == "__main__":
    main()
