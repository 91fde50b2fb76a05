"""The recipe that made the embedded model: it draws pictures, asks about them and trains on the answers."""
