"""Where versions of the network are: those that came with the program, and those that the clinic trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qana_desktop.network.bundle import ACTIVE, Bundle, active_bundle_id, list_bundles, open_bundle
from qana_desktop.network.manifest import BundleRefused
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _
from qana_desktop.system.paths import find_paths
from qana_desktop.system.resources import models_dir

LOCAL_FOLDER = "models"


@dataclass(frozen=True)
class ModelHomes:
    """`factory` came with the program and is never written to; `local` is in the data folder and need not exist.

    A pointer in `local` names the version in use. Without one it is the factory's.
    """

    factory: Path
    local: Path

    def factory_id(self) -> str:
        """The factory version's id; raises BundleRefused."""
        return active_bundle_id(self.factory)

    def active_id(self) -> str:
        """The id of the version in use; raises BundleRefused for a pointer that names none."""
        return active_bundle_id(self.local) if (self.local / ACTIVE).exists() else self.factory_id()

    def path_of(self, identity: str) -> Path:
        """Where a version is, or would be."""
        here = self.local / identity
        return here if here.is_dir() else self.factory / identity

    def open(self, identity: str) -> Bundle:
        """Open a version, every file checked; raises BundleRefused."""
        return open_bundle(self.path_of(identity))

    def open_active(self) -> Bundle:
        """Open the version in use; raises BundleRefused, which for one of the clinic's own says how to go back."""
        identity = self.active_id()
        try:
            return self.open(identity)
        except BundleRefused as error:
            if identity == self.factory_id():
                raise
            remedy = _("Go back to the factory version: `qana-desktop learn rollback`.")
            raise BundleRefused(Fault(error.fault.code, error.fault.message, remedy)) from error

    def return_to_factory(self) -> None:
        """Make the factory version the one in use, in one step; raises OSError."""
        (self.local / ACTIVE).unlink(missing_ok=True)

    def known(self) -> tuple[str, ...]:
        """The ids of all versions that are there, the factory's first; none is opened."""
        return (self.factory_id(), *(each for each in list_bundles(self.local) if each != self.factory_id()))


def find_homes() -> ModelHomes:
    """Return the homes of this installation and user; raises ResourcesMissing."""
    return ModelHomes(models_dir(), find_paths().data / LOCAL_FOLDER)
