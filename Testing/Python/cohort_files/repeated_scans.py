"""What tests of precision studies know of the patients who were scanned twice."""

from LumbarHULib.core.scan_facts import ScanFacts

SCAN = ScanFacts(
    tube_voltage_kv=120.0, contrast=False, manufacturer="SIEMENS", scanner_model="Sensation 64", source="DICOM"
)


def join_tables(folder, to) -> None:
    """Write the tables of all audit folders as one."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("results.csv"))]
    to.write_text(texts[0] + "".join(text.partition("\n")[2] for text in texts[1:]), encoding="utf-8")
