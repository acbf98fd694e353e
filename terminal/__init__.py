"""What commands write for people and for scripts: tables, colours, progress, JSON, exit codes.

Knows nothing of nodes and objects, so that the commands of all apps may import it; and only it
knows the library behind it.
"""
