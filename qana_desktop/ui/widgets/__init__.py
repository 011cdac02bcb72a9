"""Small parts of the window that draw one thing each."""
