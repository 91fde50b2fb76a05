"""sightd: a vision-language model as an appliance."""
