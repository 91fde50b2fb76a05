"""Child processes and the channel that connects them to the HTTP front."""
