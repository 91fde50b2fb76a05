"""A fleet of real systemds: `make test-fleet` boots hosts on a private bridge and runs the playbooks against them."""
