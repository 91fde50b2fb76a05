"""`sightctl`: for people. One module for each verb; a verb's heavy imports happen when it runs."""
