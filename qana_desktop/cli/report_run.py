"""The work of `report` and `export-dicom`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qana_desktop.cli import exit_codes
from qana_desktop.cli.progress import progress_bar
from qana_desktop.cli.report import Kind, Named
from qana_desktop.cli.store_run import PASSWORD, place_of, secret
from qana_desktop.cli.terminal import tell, write_line
from qana_desktop.intake.reader import ImageReader
from qana_desktop.reports.case_dicom import DicomObject
from qana_desktop.reports.case_report import Identity
from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.services.dicom_desk import DicomDesk
from qana_desktop.services.exchange_desk import ExchangeDesk
from qana_desktop.services.learning_homes import find_homes
from qana_desktop.services.policies import PolicyShelf
from qana_desktop.services.report_desk import Batch, ReportDesk
from qana_desktop.store.store import Store
from qana_desktop.store.unlock import Credentials, open_store
from qana_desktop.store.users import Users

ALL: Final = "all"


@dataclass(frozen=True, eq=False)
class Opened:
    """A store that someone is signed in to."""

    store: Store
    desk: CaseDesk
    reader: ImageReader

    def cases(self, named: Sequence[str]) -> tuple[str, ...]:
        """The cases that were named, in their order, each once; all for `all`."""
        if ALL in named:
            return ExchangeDesk(self.store, self.desk.allowed, self.reader).all_cases()
        return tuple(dict.fromkeys(named))


def run_report(
    folder: Path | None, given: Credentials, user: str, named: Sequence[str], out: Path, *, identity: Named
) -> int:
    """Write the reports, name the files on stdout and the cases without one on stderr."""
    with signed_in(folder, given, user) as opened, progress_bar() as show:
        desk = ReportDesk(opened.store, opened.desk.allowed, opened.reader, PolicyShelf(find_homes()).of)
        batch = desk.save_many(opened.cases(named), out.absolute(), Identity(identity), report=show)
    return tell_batch(batch, "Reports")


def run_export_dicom(
    folder: Path | None,
    given: Credentials,
    user: str,
    named: Sequence[str],
    out: Path,
    *,
    kind: Kind,
    identity: Named,
) -> int:
    """Write the images, name the files on stdout and the cases without one on stderr."""
    with signed_in(folder, given, user) as opened, progress_bar() as show:
        desk = DicomDesk(opened.store, opened.desk.allowed, opened.reader)
        chosen = opened.cases(named)
        batch = desk.save_many(chosen, out.absolute(), DicomObject(kind), Identity(identity), report=show)
    return tell_batch(batch, "Images")


def tell_batch(batch: Batch, what: str) -> int:
    """Name what was written and what was not; return the exit code."""
    for _case, path in batch.made:
        write_line(str(path))
    for case, fault in batch.failed:
        tell(f"{case}: {fault.sentence()}")
    tell(f"{what} written: {len(batch.made)}, cases that failed: {len(batch.failed)}. The files are not encrypted.")
    return exit_codes.SOME_NOT if batch.failed else exit_codes.ALL_READ


@contextmanager
def signed_in(folder: Path | None, given: Credentials, user: str) -> Iterator[Opened]:
    """Open the store, sign in, and out again."""
    with closing(open_store(place_of(folder), given)) as store, ImageReader() as reader:
        desk = CaseDesk(store, Users(store), keychain=given.keychain)
        desk.sign_in(user, secret(PASSWORD, f"Password of {user}"))
        yield Opened(store, desk, reader)
        desk.sign_out()
