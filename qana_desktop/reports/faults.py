"""Why something did not leave the clinic, or an archive was not taken in: codes, sentences, remedies."""

from __future__ import annotations

from typing import Final

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import N_, _


class ExportFailed(KnownError):
    """Nothing was exported; what had been written was removed, the originals were not touched."""


class ArchiveRefused(KnownError):
    """An archive that is not taken in; nothing of it was stored."""


_KEPT: Final = N_("Nothing was exported. The originals were not touched.")

NOT_EMPTY: Final = Fault(
    "export-folder-not-empty",
    N_("There is something at the place of the export already. Nothing was exported. The originals were not touched."),
    N_("Name a new folder or file."),
)
BURNED_IN: Final = Fault(
    "export-burned-in",
    N_(
        "An image says of itself that text is burned into its pixels. Nothing was exported. "
        "The originals were not touched."
    ),
    N_("Leave this image out, or cover the text in another program and export that image."),
)


def not_clean(what: str) -> ExportFailed:
    """A written file, read back, holds something that it must not hold. `what` never quotes it."""
    return ExportFailed(
        Fault(
            "export-not-clean",
            _("A written file was read back and does not hold only what it may: {what}. {kept}").format(
                what=what, kept=_KEPT
            ),
            _("Leave this image out and report the file's kind to the makers of the program."),
        )
    )


def not_written(what: str) -> ExportFailed:
    """The disk refuses."""
    return ExportFailed(
        Fault(
            "export-not-written",
            _("The export cannot be written: {what}. {kept}").format(what=what, kept=_KEPT),
            _("Check the drive and its free space."),
        )
    )


def archive_refused(code: str, what: str) -> ArchiveRefused:
    """The archive breaks a rule of docs/archive-format.md. `what` completes "The archive was refused: "."""
    return ArchiveRefused(
        Fault(
            f"archive-{code}",
            _("The archive was refused: {what}. Nothing of it was stored.").format(what=what),
            _("Ask whoever made it to export it again, and copy it again."),
        )
    )
