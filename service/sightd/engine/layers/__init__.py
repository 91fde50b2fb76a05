"""Faster forms of the layers that transformers' modules are made of, put in their places when a network is loaded."""
