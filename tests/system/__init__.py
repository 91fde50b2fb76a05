"""A real systemd: `make test-system` boots one and installs the packages in it."""
