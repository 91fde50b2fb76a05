"""Untrusted media: from the bytes a client sent to RGB frames of the size the model sees."""
