"""The engine: one process for each device, which runs one checkpoint with continuous batching. No HTTP here."""
