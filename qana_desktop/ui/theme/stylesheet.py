"""The style sheet of the window, written from a palette and the size of the font."""

from __future__ import annotations

from qana_desktop.system.resources import assets_dir
from qana_desktop.ui.theme.palette import Palette

RADIUS = 4

_SHEET = """
* {{ outline: 0; }}
QMainWindow, QDialog {{ background: {surface}; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {outline}; padding: {s}px; }}
QLabel {{ background: transparent; }}
QLabel[role="muted"], QLabel[role="small"] {{ color: {muted}; }}
QLabel[role="heading"] {{ color: {muted}; font-weight: 600; }}

#topbar, #foot, #rail, #worklist, #reading {{ background: {raised}; }}
#foot {{ border-top: 1px solid {hairline}; }}
#topbar {{ border-bottom: 1px solid {hairline}; }}
#rail {{ border-right: 1px solid {hairline}; }}
#readingBody, #readingScroll {{ background: {raised}; border: 0; }}
#empty {{ background: {surface}; }}
QSplitter::handle {{ background: {hairline}; }}
QSplitter::handle:hover {{ background: {focus}; }}
QFrame[role="line"] {{ background: {hairline}; border: 0; max-height: 1px; min-height: 1px; }}
#canvasBar {{ background: {raised}; border-top: 1px solid {hairline}; }}

QToolButton, QPushButton {{
    color: {text}; background: transparent; border: 1px solid transparent; border-radius: {radius}px;
    padding: {s}px {m}px;
}}
QPushButton {{ background: {raised}; border-color: {outline}; }}
QToolButton:hover, QPushButton:hover {{ background: {sunken}; }}
QToolButton:pressed, QPushButton:pressed {{ background: {selected}; }}
QToolButton:checked {{ background: {selected}; border-color: {accent}; }}
QToolButton:focus, QPushButton:focus {{ border: 2px solid {focus}; padding: {s1}px {m1}px; }}
QToolButton:disabled, QPushButton:disabled {{ color: {muted}; }}
QPushButton[role="primary"] {{ background: {accent}; color: {on_accent}; border-color: {accent}; font-weight: 600; }}
QPushButton[role="primary"]:hover {{ background: {accent}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {text}; }}
QPushButton[role="primary"]:disabled {{ background: {sunken}; color: {muted}; border-color: {hairline}; }}
QPushButton[role="flat"] {{ border-color: transparent; }}
QPushButton[role="flat"]:focus {{ border-color: {focus}; }}
QPushButton[role="chip"] {{ border-color: {hairline}; }}
QPushButton[role="chip"]:checked {{ border-color: {accent}; background: {selected}; }}
QPushButton[role="chip"]:focus {{ border-color: {focus}; }}
QToolButton[role="icon"] {{ padding: {s}px; }}
QToolButton[role="icon"]:focus {{ padding: {s1}px; }}
QToolButton[role="rail"] {{ padding: {s}px 0; color: {muted}; }}
QToolButton[role="rail"]:checked {{ background: {selected}; border-color: transparent; color: {text}; }}
QToolButton[role="rail"]:focus {{ padding: {s1}px 0; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}

QLineEdit {{
    color: {text}; background: {surface}; border: 1px solid {outline}; border-radius: {radius}px;
    padding: {s}px {m}px; selection-background-color: {accent}; selection-color: {on_accent};
}}
QLineEdit:focus {{ border: 2px solid {focus}; padding: {s1}px {m1}px; }}

QComboBox, QPlainTextEdit, QSpinBox, QDateEdit {{
    color: {text}; background: {surface}; border: 1px solid {outline}; border-radius: {radius}px;
    padding: {s}px {m}px; selection-background-color: {accent}; selection-color: {on_accent};
}}
QComboBox:focus, QPlainTextEdit:focus, QSpinBox:focus, QDateEdit:focus {{
    border: 2px solid {focus}; padding: {s1}px {m1}px;
}}
QComboBox:disabled, QPlainTextEdit:disabled, QLineEdit:disabled, QCheckBox:disabled {{ color: {muted}; }}
QComboBox::drop-down {{ border: 0; width: {l}px; padding-right: {s}px; }}
QComboBox::down-arrow {{ image: url({arrow}); width: {l}px; height: {l}px; }}
QComboBox QAbstractItemView {{ background: {raised}; color: {text}; border: 1px solid {outline}; }}
QCheckBox, QRadioButton {{ color: {text}; spacing: {m}px; padding: {s}px 0; border: 1px solid transparent; }}
QCheckBox::indicator {{
    width: {l}px; height: {l}px; background: {surface}; border: 1px solid {outline}; border-radius: 2px;
}}
QCheckBox::indicator:checked {{ background: {accent}; border-color: {accent}; image: url({tick}); }}
QCheckBox::indicator:disabled {{ border-color: {hairline}; }}
QCheckBox:focus, QRadioButton:focus {{ border: 1px solid {focus}; border-radius: {radius}px; }}
QLabel[role="fault"] {{ color: {review_now}; font-weight: 600; }}

QSlider {{ background: transparent; min-height: {h}px; }}
QSlider::groove:horizontal {{
    background: {track}; border: 1px solid {outline}; height: {s2}px; border-radius: {s2}px;
}}
QSlider::sub-page:horizontal {{ background: {accent}; border-radius: {s2}px; }}
QSlider::handle:horizontal {{
    background: {raised}; border: 2px solid {text}; width: {m}px; margin: -{s}px 0; border-radius: {s}px;
}}
QSlider::handle:horizontal:focus {{ background: {focus}; border-color: {focus}; }}
QSlider::handle:horizontal:disabled {{ border-color: {outline}; }}

QListView {{ background: {raised}; border: 1px solid transparent; }}
QListView:focus {{ border: 1px solid {focus}; }}
QListWidget::item {{ padding: {s}px {m}px; }}
QListWidget::item:selected {{ background: {selected}; color: {text}; }}
QTextBrowser {{ background: {raised}; color: {text}; border: 1px solid {hairline}; padding: {m}px; }}
QTextBrowser:focus {{ border: 1px solid {focus}; }}
#cases {{ background: {raised}; border: 1px solid transparent; }}
#cases:focus {{ border: 1px solid {focus}; }}
QTableWidget {{
    background: {raised}; alternate-background-color: {surface}; border: 1px solid {hairline};
    gridline-color: {hairline};
    selection-background-color: {selected}; selection-color: {text};
}}
QTableWidget:focus {{ border: 1px solid {focus}; }}
QHeaderView::section {{ background: {surface}; color: {muted}; border: 0; padding: {s}px {m}px; font-weight: 600; }}
QMenu {{ background: {raised}; color: {text}; border: 1px solid {outline}; padding: {s}px; }}
QMenu::item {{ padding: {s}px {l}px; border-radius: {radius}px; }}
QMenu::item:selected {{ background: {selected}; }}
QMenu::separator {{ height: 1px; background: {hairline}; margin: {s}px; }}
QScrollArea {{ border: 0; background: transparent; }}
QScrollArea:focus {{ border: 1px solid {focus}; }}
QScrollBar:vertical {{ background: transparent; width: {l}px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {l}px; margin: 0; }}
QScrollBar::handle {{
    background: {outline}; border-radius: {radius}px; margin: {s}px; min-height: {x}px; min-width: {x}px;
}}
QScrollBar::add-line, QScrollBar::sub-line {{ background: none; border: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: none; border: 0; }}
QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}

QFrame[role="banner"] {{ background: {raised}; border: 0; border-bottom: 1px solid {hairline}; }}
QFrame[tone="asks"] {{ background: {review_now_soft}; }}
QFrame[tone="warns"] {{ background: {review_soft}; }}
QFrame[tone="tells"] {{ background: {selected}; }}
QFrame[role="popover"] {{ background: {raised}; border: 1px solid {outline}; border-radius: {radius}px; }}
QFrame[role="engine"] {{ background: {raised}; border: 1px solid {hairline}; border-radius: {radius}px; }}
QFrame[role="engine"][chosen="true"] {{ border: 1px solid {accent}; }}
"""


def style_sheet(palette: Palette, unit: int) -> str:
    """Return the sheet. `unit` is the grid in pixels, 4 at a common font size; it grows with the font."""
    colours = {name: getattr(palette, name) for name in palette.__dataclass_fields__ if name != "dark"}
    sizes = {
        "s": unit,
        "m": 2 * unit,
        "l": 3 * unit,
        "x": 8 * unit,
        "h": 5 * unit,
        "s2": max(2, unit // 2),
        "s1": unit - 1,
        "m1": 2 * unit - 1,
    }
    theme, kind = assets_dir() / "theme", "dark" if palette.dark else "light"
    pictures = {"arrow": (theme / f"down-{kind}.svg").as_posix(), "tick": (theme / f"tick-{kind}.svg").as_posix()}
    return _SHEET.format(**colours, **sizes, **pictures, radius=RADIUS)
