"""Chooses the unlabelled images from which a camera's colours are measured: an ordinary mix, none of the tests."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from qana_desktop.learning.holdouts import Role
from qana_desktop.store import learning, records
from qana_desktop.store.learning import RoleRow
from qana_desktop.store.schema import ENTITY
from qana_desktop.triage.case import CaseImage, Encounter, Kind, Lesion

MOST: Final = 200
_LOOKED_AT: Final = 5000


def site_images(connection: sa.Connection, device: str) -> tuple[str, ...]:
    """Return the SHA-256 of the newest images of a device ("": of all), one of each lesion, at most `MOST`.

    Patients who are set apart for testing are left out: what is measured must not know the test.
    """
    roles = learning.find(connection, RoleRow, role=str(Role.HOLDOUT))
    apart = {kept.row.patient for kept in roles}
    newest = sa.select(ENTITY.c.id).where(ENTITY.c.kind == str(Kind.IMAGE), ~ENTITY.c.withdrawn)
    ids = connection.execute(newest.order_by(sa.text("rowid DESC")).limit(_LOOKED_AT)).scalars().all()
    images = records.newest(connection, CaseImage, ids)
    visits = records.newest(connection, Encounter, {image.parent or "" for image in images.values()})
    lesions = records.newest(connection, Lesion, {visit.parent or "" for visit in visits.values()})
    found: dict[str, str] = {}
    for identity in ids:
        image = images.get(identity)
        visit = visits.get(image.parent or "") if image else None
        lesion = lesions.get(visit.parent or "") if visit else None
        if image is None or lesion is None or lesion.parent in apart or device not in {"", image.value.facts.device}:
            continue
        found.setdefault(lesion.entity, image.value.sha256)
        if len(found) == MOST:
            break
    return tuple(found.values())
