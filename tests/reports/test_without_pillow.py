"""Our installers have no Pillow: a report with its image is drawn without it, and without a word about it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, warnings
sys.modules["PIL"] = None
warnings.simplefilter("error")
from qana_desktop.reports.case_report import case_report
from qana_desktop.reports.pdf import draw_pdf
from qana_desktop.reports.pdf_pages import draw_pages
from tests.support.report_cases import circumstances, full_case
pdf = draw_pdf(case_report(full_case(name="Erika \u0639\u0644\u064a \u738b\u5c0f\u660e"), circumstances()))
assert b"/DCTDecode" in pdf
page = next(draw_pages(pdf, dots_per_inch=40))
colours = len(set(map(bytes, page.rgb.reshape(-1, 3))))
assert colours > 200, colours
assert "PIL.Image" not in sys.modules
"""


def test_a_report_with_its_image_is_drawn_and_shown() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
