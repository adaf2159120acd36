"""Where the program begins: with nothing imported yet, so that Ctrl-C is heard from the first moment."""

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
