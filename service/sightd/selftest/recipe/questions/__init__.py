"""What is asked about a picture: one module per kind of question, each giving turns whose answer follows from the scene."""
