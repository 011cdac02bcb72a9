"""Where the frozen window starts: children first, then the window."""

import multiprocessing
import os
import sys

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if __name__ == "__main__":
    multiprocessing.freeze_support()
    from qana_desktop.app import main

    sys.exit(main())
