"""The worklist: which images are shown and in which order, with counts, filter and search."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.outcome import Reading
from qana_desktop.ui.presenters.entries import Entry, Group

Order = tuple[int, float, int]


class WorklistListener(Protocol):
    """Is told each change of the visible rows, after it happened in the worklist."""

    def rows_inserted(self, row: int, entry_ids: Sequence[int]) -> None:
        """Entries appeared at `row` and after."""
        ...

    def row_moved(self, row: int, to: int) -> None:
        """The entry at `row` now stands at `to` (index after the move)."""
        ...

    def row_removed(self, row: int) -> None:
        """The entry at `row` is no longer shown."""
        ...

    def rows_changed(self, first: int, last: int) -> None:
        """The entries from `first` to `last` look different."""
        ...

    def rows_reset(self, entry_ids: Sequence[int]) -> None:
        """All rows are new: a filter or a search changed."""
        ...

    def counts_changed(self) -> None:
        """The numbers beside the filters changed."""
        ...


class Worklist:
    """All entries of the session, in order of urgency. Every change costs O(log n) comparisons."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._by_source: dict[ImageSource, int] = {}
        self._by_key: dict[str, int] = {}
        self._by_content: dict[str, int] = {}
        self._visible: list[Order] = []
        self._counts: Counter[Group] = Counter()
        self._listeners: list[WorklistListener] = []
        self.hides_new = False
        """Whether the answers of images that are added wait for the clinician's own."""
        self.filter: Group | None = None
        self.search = ""

    def listen(self, listener: WorklistListener) -> None:
        """Tell `listener` of every change from now on."""
        self._listeners.append(listener)

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, entry_id: int) -> Entry:
        """Return an entry; raises KeyError."""
        return self._entries[entry_id]

    def entries(self) -> list[Entry]:
        """Return all entries in order of arrival."""
        return list(self._entries.values())

    def visible_ids(self) -> list[int]:
        """Return the ids of the shown rows, top first."""
        return [order[2] for order in self._visible]

    def counts(self) -> dict[Group, int]:
        """Return how many entries each group holds, whatever the filter."""
        return {group: self._counts[group] for group in Group}

    def row_of(self, entry_id: int) -> int | None:
        """Return the row of an entry, None when the filter hides it."""
        order = self._entries[entry_id].order
        row = bisect_left(self._visible, order)
        return row if row < len(self._visible) and self._visible[row] == order else None

    def id_of(self, source: ImageSource) -> int:
        """Return the entry of a source that was added; raises KeyError."""
        return self._by_source[source]

    def known(self, key: str) -> Entry | None:
        """Return the entry that was added under `key`."""
        entry_id = self._by_key.get(key)
        return None if entry_id is None else self._entries[entry_id]

    def add(self, found: Iterable[tuple[str, ImageSource]]) -> list[Entry]:
        """Add images as (key, source) in order of arrival; those whose key is known are left out."""
        fresh: list[Entry] = []
        for key, source in found:
            if key in self._by_key:
                continue
            entry = Entry(len(self._entries), source, key, hidden=self.hides_new)
            self._entries[entry.entry_id] = entry
            self._by_source[source] = self._by_key[key] = entry.entry_id
            fresh.append(entry)
        self._counts[Group.UNREAD] += len(fresh)
        self._show_new([entry for entry in fresh if self._passes(entry)])
        self._tell_counts()
        return fresh

    def set_waiting(self, entry_ids: Iterable[int], *, waiting: bool) -> None:
        """Mark entries as in the queue, or no longer."""
        for entry_id in entry_ids:
            self._entries[entry_id] = replace(self._entries[entry_id], waiting=waiting)
        # Neither order nor filter look at this: one message is enough for hundreds.
        for listener in self._listeners:
            if self._visible:
                listener.rows_changed(0, len(self._visible) - 1)
        self._tell_counts()

    def add_reading(self, entry_id: int, reading: Reading) -> Entry:
        """Add a reading to an entry; notes an earlier image with the same content."""
        old = self._entries[entry_id]
        same_as = old.same_as
        if reading.image_sha256 is not None:
            first = self._by_content.setdefault(reading.image_sha256, entry_id)
            same_as = None if first == entry_id else self._entries[first].title
        entry = replace(old, readings=(*old.readings, reading), waiting=False, same_as=same_as, kept=False)
        self._replace(entry)
        self._tell_counts()
        return entry

    def set_hidden(self, hidden: Callable[[int], bool]) -> None:
        """Hide the answers of those entries that `hidden` names, and show the others."""
        for entry_id, entry in self._entries.items():
            self._entries[entry_id] = replace(entry, hidden=hidden(entry_id))
        self._tell_looks()

    def set_kept(self, entry_ids: Iterable[int], *, kept: bool) -> None:
        """Mark entries as kept in the case store, or no longer."""
        for entry_id in entry_ids:
            self._entries[entry_id] = replace(self._entries[entry_id], kept=kept)
        self._tell_looks()

    def _tell_looks(self) -> None:
        for listener in self._listeners:
            if self._visible:
                listener.rows_changed(0, len(self._visible) - 1)
        self._tell_counts()

    def unread_ids(self) -> list[int]:
        """Return the entries that nobody read and nobody waits for, in order of arrival."""
        return [e.entry_id for e in self._entries.values() if e.reading is None and not e.waiting]

    def set_filter(self, group: Group | None) -> None:
        """Show one group, or all."""
        self.filter = group
        self._rebuild()

    def set_search(self, text: str) -> None:
        """Show entries whose label holds all words of `text`."""
        self.search = text.strip()
        self._rebuild()

    def _passes(self, entry: Entry) -> bool:
        if self.filter is not None and entry.group is not self.filter:
            return False
        label = entry.source.label.casefold()
        return all(word in label for word in self.search.casefold().split())

    def _show_new(self, entries: list[Entry]) -> None:
        if not entries:
            return
        row = bisect_left(self._visible, entries[0].order)
        self._visible[row:row] = [entry.order for entry in entries]
        for listener in self._listeners:
            listener.rows_inserted(row, [entry.entry_id for entry in entries])

    def _replace(self, entry: Entry) -> None:
        old = self._entries[entry.entry_id]
        row = self.row_of(entry.entry_id)
        self._entries[entry.entry_id] = entry
        self._counts[old.group] -= 1
        self._counts[entry.group] += 1
        shown = self._passes(entry)
        if row is None:
            if shown:
                self._show_new([entry])
            return
        if not shown:
            del self._visible[row]
            for listener in self._listeners:
                listener.row_removed(row)
            return
        self._move(row, entry)

    def _move(self, row: int, entry: Entry) -> None:
        del self._visible[row]
        insort(self._visible, entry.order)
        to = bisect_left(self._visible, entry.order)
        for listener in self._listeners:
            if to != row:
                listener.row_moved(row, to)
            listener.rows_changed(to, to)

    def _rebuild(self) -> None:
        self._visible = sorted(entry.order for entry in self._entries.values() if self._passes(entry))
        ids = self.visible_ids()
        for listener in self._listeners:
            listener.rows_reset(ids)

    def _tell_counts(self) -> None:
        for listener in self._listeners:
            listener.counts_changed()
