"""What HTTP says of objects: conditions, ranges, header fields, bodies, parameters.

Nothing here does I/O but for reading a request's body, and nothing knows nodes or S3.
"""
