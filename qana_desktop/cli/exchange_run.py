"""The work of `store export`, `store import` and `export-images`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qana_desktop.cli import exit_codes
from qana_desktop.cli.exchange import Leaving, Pictures
from qana_desktop.cli.progress import progress_bar
from qana_desktop.cli.store_run import PASSWORD, place_of, secret
from qana_desktop.cli.terminal import tell, write_line
from qana_desktop.intake.reader import ImageReader
from qana_desktop.reports.deidentify import LOOK, ImageToExport, words_of
from qana_desktop.reports.deidentify import export_images as export_files
from qana_desktop.reports.proof import ImageKind
from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.services.exchange_desk import ExchangeDesk, Report
from qana_desktop.services.find_images import find_images
from qana_desktop.services.jobs import Progress
from qana_desktop.store.unlock import Credentials, open_store
from qana_desktop.store.users import Users


def run_export(
    folder: Path | None,
    given: Credentials,
    user: str,
    destination: Path,
    encounters: tuple[str, ...],
    *,
    kind: Leaving,
    with_names: bool,
) -> int:
    """Export the cases, or all, and name what was written on stdout."""
    destination = destination.absolute()
    with _desk(folder, given, user) as desk, _progress() as report:
        chosen = encounters or desk.all_cases()
        match kind:
            case Leaving.ARCHIVE:
                info = desk.export_archive(chosen, destination, with_names=with_names, report=report)
                tell(f"{info.cases} cases with {info.images} image files. The archive is not encrypted.")
                tell(f"SHA-256 {info.sha256}")
            case Leaving.CSV:
                count = desk.export_readings(chosen, destination)
                tell(f"{count} readings of {len(chosen)} cases. The table is not encrypted.")
            case _:
                made = desk.export_images(chosen, destination, ImageKind(kind), report=report)
                tell(f"{len(made)} images without identity. {LOOK}")
    write_line(str(destination))
    return exit_codes.ALL_READ


def run_import(folder: Path | None, given: Credentials, user: str, archive: Path) -> int:
    """Import, name the cases that were taken in on stdout and those that were not on stderr."""
    with _desk(folder, given, user) as desk, _progress() as report:
        imported = desk.import_archive(archive.absolute(), report=report)
    for encounter in imported.added:
        write_line(encounter)
    for encounter, fault in imported.skipped:
        tell(f"{encounter}: {fault.sentence()}")
    tell(f"{len(imported.added)} cases were taken in, {len(imported.skipped)} were not.")
    if imported.sign_offs:
        tell(f"{imported.sign_offs} sign-offs were left out: someone here has to answer for these cases.")
    return exit_codes.SOME_NOT if imported.skipped else exit_codes.ALL_READ


def run_export_images(paths: list[Path], to: Path, *, kind: Pictures, forbid: tuple[str, ...]) -> int:
    """Export image files without identity and name the new ones on stdout."""
    sources = find_images(paths)
    with ImageReader() as reader, _progress() as report:
        images = [
            ImageToExport(source.content, source.label, words_of((*forbid, *_names_of(source.path))))
            for source in sources
        ]
        made = export_files(
            images,
            to.absolute(),
            ImageKind(kind),
            reader=reader,
            report=lambda done, total: report("exporting images", done, total),
        )
    for exported in made:
        write_line(str(to / exported.name))
    tell(f"{len(made)} images without identity. {LOOK}")
    return exit_codes.ALL_READ


def _names_of(path: Path | None) -> tuple[str, ...]:
    return () if path is None else (path.stem, path.absolute().parent.name)


@contextmanager
def _desk(folder: Path | None, given: Credentials, user: str) -> Iterator[ExchangeDesk]:
    with closing(open_store(place_of(folder), given)) as store, ImageReader() as reader:
        desk = CaseDesk(store, Users(store), keychain=given.keychain)
        desk.sign_in(user, secret(PASSWORD, f"Password of {user}"))
        yield ExchangeDesk(store, desk.allowed, reader)
        desk.sign_out()


@contextmanager
def _progress() -> Iterator[Report]:
    with progress_bar() as show:
        yield lambda what, done, total: show(Progress(done, total, what))
