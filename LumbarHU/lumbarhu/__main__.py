"""The command line, by `python -m lumbarhu`."""

import sys

from LumbarHULib.headless.entry_point import main

if __name__ == "__main__":
    sys.exit(main())
