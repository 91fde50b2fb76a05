"""A steady overload, and what the service says about it."""
