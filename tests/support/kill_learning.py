"""Kills a process that trains, judges, puts a version in use or takes one back, at every step that touches the disk.

Run by `tests/services/test_learning_kill.py` (POSIX). A process is forked that does one deed and kills itself with
SIGKILL just before or just after the step with a given number: a commit, a rename, a removal. The next run goes one
step further, until the deed is done. After each, everything must be as before or as after the deed, never in between.
"""

from __future__ import annotations

import os
import shutil
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qana_desktop.network.bundle import ACTIVE
from qana_desktop.services.activation import activate_version
from qana_desktop.services.learning_judging import JudgingDesk
from qana_desktop.services.learning_states import VersionState
from qana_desktop.services.learning_training import TrainingDesk
from qana_desktop.services.learning_versions import VersionsDesk
from qana_desktop.store.head import HeadFile
from qana_desktop.store.store import Store
from qana_desktop.store.verify import verify
from tests.support.learning_clinic import Clinic

MOST_STEPS = 60


class Broken(Exception):
    """A promise was broken."""


def versions(clinic: Clinic, name: str = "Ada") -> VersionsDesk:
    """Without mapping to boards."""
    return VersionsDesk(
        clinic.desk(name), put_in_use=lambda models, one: activate_version(models, one, report=lambda _path: [])
    )


def only_version(clinic: Clinic) -> str:
    """The one version that was trained."""
    return versions(clinic).versions()[0].row.id


DEEDS: dict[str, Callable[[Clinic], object]] = {
    "train": lambda clinic: TrainingDesk(clinic.desk("Clara")).train(),
    "evaluate": lambda clinic: JudgingDesk(clinic.desk("Clara")).evaluate(only_version(clinic)),
    "approve": lambda clinic: versions(clinic).approve(only_version(clinic), agrees=True, reason="the lines hold"),
    "activate": lambda clinic: versions(clinic).activate(only_version(clinic)),
    "roll back": lambda clinic: versions(clinic, "Carl").roll_back("odd answers"),
}
"""In the order in which they follow each other."""


def prepare(folder: Path, models: Path, deed: str) -> None:
    """Make a clinic that is about to do `deed`."""
    with closing(Clinic(folder, models=models)) as clinic:
        clinic.learn(["nv", "bkl", "nv", "df", "nv", "vasc"])
        for earlier in list(DEEDS)[: list(DEEDS).index(deed)]:
            DEEDS[earlier](clinic)


def kill_at_every_step(base: Path, models: Path, deed: str) -> int:
    """Kill, check, and go one step further each time, until the deed is done; returns how many steps there were."""
    for step in range(1, MOST_STEPS):
        folder = base.with_name(f"{base.name}-{step}")
        shutil.copytree(base, folder)
        killed = _fork(folder, models, deed, step)
        check(folder, base, models, deed, done=not killed, again=step % 4 == 0)
        shutil.rmtree(folder)
        if not killed:
            return step - 1
    raise Broken(f"'{deed}' did not end within {MOST_STEPS} steps")


def check(folder: Path, base: Path, models: Path, deed: str, *, done: bool, again: bool) -> None:
    """Hold what is left against what there was; raises Broken. `again`: the deed can be done now."""
    with closing(Clinic(folder, models=models, again=True)) as clinic:
        if clinic.store.read_only is not None:
            raise Broken(clinic.store.read_only.sentence())
        pointer = pointer_of(folder)
        before = pointer_of(base)
        after = {"activate": only_version(clinic), "roll back": ""}.get(deed, before) if deed != "train" else before
        if pointer not in ({after} if done else {before, after}):
            raise Broken(f"{deed}: '{pointer}' is in use, not '{before}' or '{after}'")
        clinic.homes.open_active()  # every file is compared with its hash
        versions(clinic).settle()
        if pointer_of(folder) != pointer:
            raise Broken(f"{deed}: settling moved the pointer")
        if not (found := verify(clinic.store)).good:
            raise Broken(f"{deed}: {found.problems}")
        if len(clinic.desk().queue()) != 6:
            raise Broken(f"{deed}: the queue changed")
        states = {view.state for view in versions(clinic).versions()}
        if (VersionState.IN_USE in states) != bool(pointer):
            raise Broken(f"{deed}: the record says {states}, and '{pointer}' is in use")
        if again and not done and pointer == before:
            DEEDS[deed](clinic)


def pointer_of(folder: Path) -> str:
    """What the pointer names; "" for the factory version."""
    pointer = folder / "models" / ACTIVE
    return pointer.read_text().strip() if pointer.exists() else ""


def _fork(folder: Path, models: Path, deed: str, step: int) -> bool:
    """Do the deed in a process of its own that dies at `step`; returns whether it did."""
    pid = os.fork()
    if pid == 0:
        status = 3
        try:
            _die_at(step)
            with closing(Clinic(folder, models=models, again=True)) as clinic:
                DEEDS[deed](clinic)
            status = 0
        except BaseException:  # noqa: BLE001 - the end of a process
            traceback.print_exc()
        finally:
            os._exit(status)
    _pid, code = os.waitpid(pid, 0)
    if os.WIFSIGNALED(code):
        return True
    if os.WEXITSTATUS(code) != 0:
        raise Broken(f"'{deed}' failed by itself")
    return False


def _die_at(wanted: int) -> None:
    """Let every step that lasts be counted, before and after it, and die at the one that is wanted."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: type, name: str) -> None:
        real = getattr(owner, name)

        def stepped(*arguments: object, **named: object) -> object:
            step()
            result = real(*arguments, **named)
            step()
            return result

        setattr(owner, name, stepped)

    for owner, name in ((Path, "replace"), (Path, "unlink"), (Path, "rename"), (Path, "mkdir"), (HeadFile, "write")):
        around(owner, name)
    connected = Store._connected_to_write

    @contextmanager
    def committed(store: Store) -> Iterator[object]:
        with connected(store) as connection:
            yield connection
            step()
        step()

    Store._connected_to_write = committed  # type: ignore[method-assign, assignment]
