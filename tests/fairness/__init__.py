"""A long video beside short answers: `make fairness`."""
