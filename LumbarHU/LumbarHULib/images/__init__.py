"""CT volumes, label maps and segmentations in the formats of other programs: NRRD, NIfTI, MetaImage, DICOM."""
