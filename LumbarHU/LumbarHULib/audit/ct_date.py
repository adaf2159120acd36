"""Read the date of a CT as a user writes it."""

import re
from datetime import date, timedelta

from LumbarHULib.core.errors import InputError

# Name of the date among the further values of a record: it is written only if the user states it.
CT_DATE = "ct_date"

# A placeholder for a removed date is earlier than the first CT of a patient, in 1971.
_FIRST_YEAR = 1971
_FORMS = (re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII), re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII))


def parse_date(text: str, what: str) -> date:
    """Return the date in text such as ``2024-03-15``, or ``20240315`` as in DICOM.

    Parameters
    ----------
    text : str
    what : str
        What the date belongs to, for the message.

    Raises
    ------
    InputError
        If it is not a date, earlier than any CT, or in the future.
    """
    match = next((one for form in _FORMS if (one := form.fullmatch(text.strip()))), None)
    try:
        if match is None:
            raise ValueError
        found = date(*map(int, match.groups()))
    except ValueError:
        raise InputError(
            f"The date of {what} is “{text}”, which is not a date: write year-month-day, such as 2024-03-15."
        ) from None
    if found.year < _FIRST_YEAR:
        raise InputError(f"The date of {what} is {found}, before any CT was made: give the date of the CT.")
    # It may be tomorrow already where the CT was made.
    if found > date.today() + timedelta(days=1):
        raise InputError(f"The date of {what} is {found}, in the future: give the date of the CT.")
    return found
