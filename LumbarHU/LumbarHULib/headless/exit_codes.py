"""What the program's exit codes mean: the same for every command."""

DONE = 0
DIFFERS = 1  # verify found differences
SOME_FAILED = 1  # cases of a batch failed
NOT_PRINTED = 1  # the work is done, but what was to be printed could not be
BAD_INPUT = 2  # nothing was written
IN_PART = 3  # levels were refused; all others were measured and written
INTERRUPTED = 130  # as shells have it for Ctrl-C
