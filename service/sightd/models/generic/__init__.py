"""Any checkpoint that transformers itself loads: through its own processor and `generate`."""
