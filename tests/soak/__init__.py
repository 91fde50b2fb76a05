"""Ever new pictures for as long as one likes: `make soak`."""
