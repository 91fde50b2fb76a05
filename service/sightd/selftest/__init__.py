"""The model that comes with sightd, sample pictures with known answers, and the recipe that made both."""
