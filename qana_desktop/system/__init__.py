"""What every part stands on: faults, paths, resources, logs, the crash record, child processes."""
