"""Qt's item models over the presenters' lists."""
