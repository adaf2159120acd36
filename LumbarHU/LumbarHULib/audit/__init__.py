"""Write a reading to disk as an audit folder with record, tables and report, and verify the folder against the CT.

`audit` defines the content, `folder` writes it, `report` draws it, `verify` measures it again, and `dicom_export`
converts it to DICOM objects.
"""
