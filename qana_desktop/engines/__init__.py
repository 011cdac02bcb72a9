"""Engines that run the integer network, one adapter per kind, each in its own child process behind one contract."""
