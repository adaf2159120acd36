"""What the tests of DICOM export share: a patient, series with other headers, and refusals."""

import warnings

import pydicom
from headless.command_runner import lumbarhu

IDENTITY = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.1",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.2",
    "SpecificCharacterSet": "ISO_IR 192",
    "PatientName": "Müller^Jürgen=王^小东",
}
READER = "芳^B"


def refusal(*arguments) -> str:
    run = lumbarhu(*arguments)
    assert (run.exit_code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    return run.err


def with_headers(series, folder, **tags):
    """Return a copy of a series with these tags in every header."""
    folder.mkdir()
    for path in series.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.decode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for keyword, value in tags.items():
                setattr(dataset, keyword, value)
            dataset.save_as(folder / path.name)
    return folder
