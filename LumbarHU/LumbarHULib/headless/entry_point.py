"""The entry point of the program. It imports nothing at first, so that Ctrl-C works from the start."""

import sys

from LumbarHULib.headless.exit_codes import INTERRUPTED


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from LumbarHULib.headless.command_line import main as run

        return run()
    except KeyboardInterrupt:
        print("lumbarhu: Stopped; nothing was written.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
