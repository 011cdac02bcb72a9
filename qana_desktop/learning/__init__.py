"""Local learning: a new head from factory features and confirmed cases, and the gate that it must pass."""
