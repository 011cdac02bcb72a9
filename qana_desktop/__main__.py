"""`python -m qana_desktop` opens the window. The command line is `qana-desktop` (qana_desktop.cli)."""

import multiprocessing
import sys

if __name__ == "__main__":
    multiprocessing.freeze_support()
    from qana_desktop.app import main

    sys.exit(main())
