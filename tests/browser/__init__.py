"""A real Chromium."""
