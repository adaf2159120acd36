"""The protocols that a command measures by: each with its cutoffs and its folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LumbarHULib.audit.folder import RECORD
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.cutoffs_file import CutoffsDocument, cutoffs_for, load_cutoffs
from LumbarHULib.files.protocol_file import ProtocolDocument, load_protocol, protocol_path


@dataclass(frozen=True, eq=False)
class ChosenProtocol:
    """One protocol of a measurement.

    Parameters
    ----------
    path : Path or None
        Its file; None for the study's.
    document : ProtocolDocument
    cutoffs_path : Path or None
        The user's cutoffs, if they belong to it; otherwise None.
    cutoffs : CutoffsDocument
    folder : Path
        Where its results are written.
    """

    path: Path | None
    document: ProtocolDocument
    cutoffs_path: Path | None
    cutoffs: CutoffsDocument
    folder: Path


def chosen_protocols(sources: Sequence[str | Path], cutoffs: Path | None, out: Path) -> list[ChosenProtocol]:
    """Read the protocols of a measurement.

    Parameters
    ----------
    sources : sequence of str or pathlib.Path
        Ids of shipped protocols, or files; empty for the study's.
    cutoffs : pathlib.Path or None
        The user's cutoffs; None for those that LumbarHU comes with.
    out : pathlib.Path
        The folder of one protocol's results, or the folder in which each of several has its own, named by its id.

    Raises
    ------
    InputError
        When a file cannot be read, two protocols have one id, the cutoffs belong to none of them, or the folder of
        several protocols is an audit folder.
    """
    paths: list[Path | None] = [protocol_path(source) for source in sources] or [None]
    documents = [load_protocol(path) for path in paths]
    if len(documents) == 1:
        return [ChosenProtocol(paths[0], documents[0], cutoffs, cutoffs_for(documents[0], cutoffs), out)]
    ids = [document.id for document in documents]
    for protocol_id in ids:
        if ids.count(protocol_id) > 1:
            raise InputError(
                f"Two of the protocols have the id {protocol_id}, which names their folders: omit one, or change an id."
            )
    if (out / RECORD).exists():
        raise InputError(
            f"“{out}” is an audit folder, so it cannot contain a folder for each protocol: choose another folder."
        )
    owner = None
    if cutoffs is not None:
        given = load_cutoffs(cutoffs)
        owner = next((document for document in documents if document.id == given.protocol_id), None)
        if owner is None:
            raise InputError(
                f"The cutoffs “{given.name}” belong to the protocol {given.protocol_id}, which is not among "
                f"{', '.join(ids)}: omit --cutoffs, or add that protocol."
            )
    chosen = []
    for path, document in zip(paths, documents, strict=True):
        own = cutoffs if document is owner else None
        chosen.append(ChosenProtocol(path, document, own, cutoffs_for(document, own), out / document.id))
    return chosen
