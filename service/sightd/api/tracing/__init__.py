"""What a collector of traces gets."""
