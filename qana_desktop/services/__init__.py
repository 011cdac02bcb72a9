"""Use cases, one per module; they know neither Qt nor a device's SDK."""
