"""HTTP's rules for objects: conditions, ranges, header fields, bodies, parameters.

Nothing here does I/O except reading a request's body, and nothing knows nodes or S3.
"""
