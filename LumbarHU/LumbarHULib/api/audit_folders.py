"""An audit folder checked against its CT."""

from collections.abc import Callable
from pathlib import Path

from LumbarHULib.api.cts import Ct
from LumbarHULib.audit.replay import CtHeaders
from LumbarHULib.audit.verify import Verification, measured_points, verification_of
from LumbarHULib.images import ct_file


def verify(
    folder: str | Path,
    ct: Ct | str | Path,
    signer: str | Path | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Verification:
    """Compute everything in an audit folder again from its CT, and return what differs.

    Parameters
    ----------
    folder : str or pathlib.Path
        The audit folder.
    ct : Ct or str or pathlib.Path
        The CT that was measured, or where it is.
    signer : str or pathlib.Path, optional
        Public key of OpenSSH that must have signed the folder.
    progress : callable, optional
        Called with the share done, from 0 to 1, and what is being done.

    Returns
    -------
    Verification
        Its ``differences`` are sentences; none says that every hash, count and number is the same.

    Raises
    ------
    InputError
        When folder or CT cannot be read.
    """
    folder = Path(folder)
    if not isinstance(ct, Ct):
        ct = ct_file.read_ct(Path(ct), progress, measured_points(folder))
    headers = CtHeaders(ct.scan_facts, ct.findings)
    return verification_of(folder, ct.ct, progress, headers, None if signer is None else Path(signer))
