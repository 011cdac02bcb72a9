"""Where the frozen console program starts: children first, then the command line."""

import multiprocessing
import os
import sys

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if __name__ == "__main__":
    multiprocessing.freeze_support()
    from qana_desktop.cli import main

    sys.exit(main())
