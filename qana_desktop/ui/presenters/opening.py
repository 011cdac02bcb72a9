"""Opening images: from paths and pasted bytes to new lines of the worklist; refused and repeated ones are told."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qana_desktop.services.sources import ImageSource
from qana_desktop.services.zip_images import images_in, is_zip
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.outcome import CannotAssess
from qana_desktop.ui.presenters.entries import Entry
from qana_desktop.ui.presenters.notices import Answer, Notice, Refusal, Tone
from qana_desktop.ui.presenters.runner import NoticeBoard, Runner
from qana_desktop.ui.presenters.worklist import Worklist
from qana_desktop.ui.texts import tr, trn

if TYPE_CHECKING:
    from qana_desktop.services.contract import TriageDeskLike


@dataclass
class Found:
    """What a look at some paths gave: sources under their keys, and the paths that gave none.

    `versions` says by key which content of the file was seen: its size and time of change.
    """

    sources: list[tuple[str, ImageSource]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


class OpeningView(NoticeBoard, Protocol):
    """The part of the window that opening speaks to."""

    def show_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Show the list of paths that could not be opened, with reasons."""
        ...

    def select(self, entry_id: int) -> None:
        """Show this image."""
        ...


class OpeningPresenter:
    """Takes what a person brings, looks at it in the background, and hands on what is to be read.

    That is what is new, and what is known but has no answer or has changed since: whoever opens such a file again has
    mended or retaken it, and the old reading must not stand beside the new picture.
    """

    def __init__(
        self, worklist: Worklist, runner: Runner, view: OpeningView, on_new: Callable[[list[Entry]], None]
    ) -> None:
        self._worklist, self._runner, self._view, self._on_new = worklist, runner, view, on_new
        self._desk: TriageDeskLike | None = None
        self._early: list[Path] = []
        self._pasted = self._taken = 0
        self._versions: dict[str, str] = {}

    def attach(self, desk: TriageDeskLike) -> None:
        """Start to open: what was brought before the program was ready comes first."""
        self._desk = desk
        early, self._early = self._early, []
        if early:
            self.open_paths(early)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files, folders and globs."""
        desk = self._desk
        if desk is None:
            self._early += paths
            return
        self._runner.run("opening", lambda: find(desk, paths), self._opened, self.tell)

    def paste(self, encode: Callable[[], bytes]) -> None:
        """Open a pasted image; `encode` makes the bytes of an image file and runs in the background."""
        self._pasted += 1
        label = tr("Pasted image {n}", n=self._pasted)
        self._runner.run("opening", lambda: _pasted(label, encode()), self._opened, self.tell)

    def taken(self, data: bytes) -> None:
        """Open an image that a camera took: the bytes of an image file."""
        self._taken += 1
        label = tr("Camera image {n}", n=self._taken)
        self._runner.run("opening", lambda: _pasted(label, data), self._opened, self.tell)

    def nothing_to_paste(self) -> None:
        """Tell that the clipboard holds neither an image nor files."""
        text = tr("The clipboard holds no image and no files. Copy an image, then paste again.")
        self._view.show_notice(Notice("opening", Tone.TELLS, text))

    def tell(self, fault: Fault) -> None:
        """Tell that nothing could be opened, and why."""
        self._view.show_notice(Notice("opening", Tone.WARNS, fault.sentence()))

    def _opened(self, found: Found) -> None:
        known = _repeats(found.sources, self._worklist)
        again = [entry for entry in known if self._must_be_read_again(entry, found)]
        repeated = [entry.entry_id for entry in known if entry not in again]
        self._versions |= found.versions
        fresh = self._worklist.add(found.sources)
        if fresh or again:
            self._view.drop_notice("opening")
            self._on_new([*fresh, *again])
        if found.refusals:
            self._tell_refused(found.refusals, len(fresh))
        if repeated:
            self._tell_repeated(repeated, selects=not fresh and not again)

    def _must_be_read_again(self, entry: Entry, found: Found) -> bool:
        if entry.waiting:
            return False
        changed = self._versions.get(entry.key) != found.versions.get(entry.key)
        return changed or entry.reading is None or isinstance(entry.reading.outcome, CannotAssess)

    def _tell_refused(self, refusals: list[Refusal], opened: int) -> None:
        what = trn(len(refusals), "{n} item could not be opened.", "{n} items could not be opened.")
        rest = trn(opened, "{n} image was added.", "{n} images were added.") if opened else tr("No image was added.")
        only = f" {refusals[0].message} {refusals[0].remedy}" if len(refusals) == 1 else ""
        show = Answer(
            tr("Show list"), tr("Show what could not be opened, and why"), self._shower(refusals), closes=False
        )
        self._view.show_notice(Notice("refused", Tone.WARNS, f"{what} {rest}{only}", (show,)))

    def _shower(self, refusals: list[Refusal]) -> Callable[[], None]:
        return lambda: self._view.show_refusals(refusals)

    def _tell_repeated(self, repeated: list[int], *, selects: bool) -> None:
        text = trn(
            len(repeated),
            "{n} image is already in the list and was not read again.",
            "{n} images are already in the list and were not read again.",
        )
        self._view.show_notice(Notice("repeated", Tone.TELLS, text))
        if selects:
            self._view.select(repeated[0])


def find(desk: TriageDeskLike, paths: Sequence[Path]) -> Found:
    """Look for images in each path by itself, so that one bad path does not hide the good ones. Reads the disk."""
    found = Found()
    for path in paths:
        try:
            images = images_in(path) if is_zip(path) else desk.find_images([path])
            sources = [(key_of(source), source) for source in images]
            found.sources += sources
            found.versions |= {key: _version_of(source) for key, source in sources}
        except KnownError as error:
            found.refusals.append(Refusal(path.name or str(path), error.fault.what, error.fault.todo))
    return found


def key_of(source: ImageSource) -> str:
    """Return what makes a source the same as another: its resolved path, or the hash of its bytes. Reads the disk."""
    if source.path is not None:
        return f"path:{os.path.realpath(source.path)}"  # Path.resolve raises for a link that leads to itself
    return f"sha256:{hashlib.sha256(source.data or b'').hexdigest()}"


def _version_of(source: ImageSource) -> str:
    """Size and time of change of a file; "" for bytes, which cannot change, and for a file that is gone again."""
    if source.path is None:
        return ""
    try:
        status = source.path.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _pasted(label: str, data: bytes) -> Found:
    source = ImageSource(label, data=data)
    return Found([(key_of(source), source)])


def _repeats(sources: list[tuple[str, ImageSource]], worklist: Worklist) -> list[Entry]:
    known = (worklist.known(key) for key, _source in sources)
    return [entry for entry in known if entry is not None]
