"""Who may do what: bearer tokens, signed links, and who did it."""
