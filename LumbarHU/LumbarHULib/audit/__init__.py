"""One reading on disk: the audit folder, its record, tables and report, and the check of all of it against the CT.

`audit` holds what is written, `folder` writes it, `report` draws it; `verify` measures it again. `dicom_export` makes
DICOM objects of it.
"""
