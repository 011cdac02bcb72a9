"""Why a store is open for reading only, when the reason is its audit record: what that means and what to do."""

from __future__ import annotations

from typing import Final

from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_

_SAYS: Final = N_("Cases can be read; nothing is saved until an administrator has looked at it. ")
_DO: Final = N_(
    "Run `qana-desktop store verify`. Restore the last good backup, or, if the cause is known and harmless, "
    "accept it with `qana-desktop store verify --accept REASON`; the acceptance is recorded."
)


def _fault(code: str, message: str) -> Fault:
    return Fault(code, f"{message} {_SAYS}".strip(), _DO)


HEAD_GONE: Final = _fault("audit-head-missing", N_("The seal of the audit record (audit.head) is missing or damaged."))
CUT_OFF: Final = _fault(
    "audit-cut-off",
    N_("The audit record is shorter than it was: its last entries are missing, or an older database was put back."),
)
REWRITTEN: Final = _fault(
    "audit-rewritten", N_("The audit record is not the one that was sealed: its history was rewritten or exchanged.")
)
BROKEN: Final = _fault("audit-broken", N_("The audit record does not hold: an entry was changed, removed or moved."))
MOVED: Final = _fault(
    "audit-moved", N_("The audit record grew without this program: another program wrote to the database.")
)
HEAD_NOT_KEPT: Final = Fault(
    "audit-head-not-kept",
    N_(
        "The last entry was saved, but the seal of the audit record could not be written. Nothing more is saved "
        "for now."
    ),
    N_("Free some space or check the disk, then restart the program."),
)
ASKED: Final = Fault(
    "store-read-only", N_("The case store was opened for reading only."), N_("Open it for writing to enter data.")
)

ALL: Final = (HEAD_GONE, CUT_OFF, REWRITTEN, BROKEN, MOVED)
"""Failures that a person can accept after looking at them."""
