"""How the window looks: colours for both themes, sizes from the font, icons tinted from the text."""
