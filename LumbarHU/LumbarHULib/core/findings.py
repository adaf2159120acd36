"""What makes a number doubtful but not impossible: said in the result, never in a log."""

from dataclasses import dataclass

# From the mildest to the gravest. What is impossible is no finding but an InputError.
SEVERITIES: tuple[str, ...] = ("note", "warning", "severe")


@dataclass(frozen=True)
class Finding:
    """One thing a reader should know about a number.

    Parameters
    ----------
    code : str
        Stable name in lower case, such as ``"boundary_moved"``; it stands in the CSV files.
    sentence : str
        One sentence with the value, its unit and the limit.
    remedy : str
        What the reader can do.
    severity : str
        One of `SEVERITIES`.
    level : str
        The level concerned; empty for the whole reading or the scan.
    roi : str
        The region concerned; empty for all of them.
    """

    code: str
    sentence: str
    remedy: str = ""
    severity: str = "warning"
    level: str = ""
    roi: str = ""

    def __post_init__(self):
        if self.severity not in SEVERITIES:
            raise ValueError(f"Severity “{self.severity}” is none of {', '.join(SEVERITIES)}.")
        if not self.code.replace("_", "").isalnum() or self.code != self.code.lower():
            raise ValueError(f"Finding code “{self.code}” is not lower_case_with_underscores.")
