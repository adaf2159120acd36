"""lumbarhu protocols: list the protocols that LumbarHU comes with, or print one as a start for your own."""

import argparse

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.cutoffs_file import cutoffs_for
from LumbarHULib.files.protocol_file import ProtocolDocument, load_protocol, shipped_paths
from LumbarHULib.headless.console import aligned
from LumbarHULib.headless.exit_codes import DONE


def run_protocols(options: argparse.Namespace) -> int:
    """Print the list of protocols, or the file of one, and return 0.

    Raises
    ------
    InputError
        When there is no protocol of that id.
    """
    shipped = shipped_paths()
    if options.id is None:
        print(_list_text([load_protocol(path) for path in shipped.values()]))
        return DONE
    if options.id not in shipped:
        raise InputError(f"There is no shipped protocol “{options.id}”: use one of {', '.join(shipped)}.")
    print(shipped[options.id].read_text(encoding="utf-8"), end="")
    return DONE


def _list_text(documents: list[ProtocolDocument]) -> str:
    rows = [("Id", "Version", "Regions", "Mean over", "Cutoffs")]
    for document in documents:
        cutoffs = cutoffs_for(document)
        rows.append(
            (
                document.id,
                document.version,
                ", ".join(document.protocol.region_names),
                ", ".join(document.protocol.patient.mean_levels),
                cutoffs.name if cutoffs.cutoffs.rois else "none",
            )
        )
    sources = [f"{document.id}: {document.citation}" for document in documents]
    return "\n".join(
        [
            aligned(rows, left_columns=len(rows[0])),
            "",
            *sources,
            "",
            "Measure by one or several of them with --protocol ID; print one with lumbarhu protocols ID.",
        ]
    )
