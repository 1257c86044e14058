"""A member's side of the isac protocol, version 1, written from proto/README.md alone."""
