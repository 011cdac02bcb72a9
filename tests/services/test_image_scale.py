"""Millimetres are known only where a file states them: a real reader in its child, asked through the desk."""

from __future__ import annotations

from pathlib import Path

from qana_desktop.intake.reader import ImageReader
from qana_desktop.services.device_desk import DeviceDesk
from qana_desktop.services.sources import ImageSource
from qana_desktop.services.triage_desk import ActiveBundle, TriageDesk
from tests.services.test_triage_desk import SteadyClock, device, engines
from tests.support import dicom_files as dicoms
from tests.support import image_files as files
from tests.support.bundles import small_policy

__all__ = ["device", "engines"]


def test_only_a_dicom_file_with_a_spacing_has_a_scale(device: DeviceDesk, tmp_path: Path) -> None:
    rgb = files.picture(64, 64)
    bundle = ActiveBundle("small-000000000000", tmp_path, 8, small_policy(views=2))
    with ImageReader() as reader:
        desk = TriageDesk(reader, device, bundle, SteadyClock(), "Linux, 2 cores")
        assert desk.mm_per_pixel(ImageSource("a", data=dicoms.dicom(rgb))) == 0.025
        assert desk.mm_per_pixel(ImageSource("b", data=dicoms.dicom(rgb, PixelSpacing=None))) is None
        assert desk.mm_per_pixel(ImageSource("c", data=files.jpeg(rgb))) is None
