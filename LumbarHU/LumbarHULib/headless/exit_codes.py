"""The exit codes of the program; they have the same meaning for every command."""

DONE = 0
DIFFERS = 1  # verify found differences
SOME_FAILED = 1  # cases of a batch failed
NOT_PRINTED = 1  # the work is done, but the output could not be printed
BAD_INPUT = 2  # nothing was written
IN_PART = 3  # some levels or protocols were refused; all others were measured and written
INTERRUPTED = 130  # as in shells after Ctrl-C
