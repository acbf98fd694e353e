"""Pages for people: DRF's browsable API, with templates of our own.

In production there is only the page at `/`.
"""
