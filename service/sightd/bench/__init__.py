"""Load on any OpenAI-compatible server, and what it made of it."""
