"""What sightd knows about checkpoints and model families. Nothing here imports torch but each family's `network`."""
