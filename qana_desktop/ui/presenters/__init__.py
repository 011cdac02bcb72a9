"""Decisions of the window, without Qt: what is shown, in which order and in which words."""
