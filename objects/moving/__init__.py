"""Moving objects to the nodes that a new layout says own them, and changing the layout that way."""
