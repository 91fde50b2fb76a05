"""HTTP: one module for each endpoint family, and what they share. Knows nothing of torch."""
