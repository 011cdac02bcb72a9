"""Untrusted image files: decoding in a child process under limits, metadata, quality measurement."""
