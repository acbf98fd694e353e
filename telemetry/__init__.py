"""What operators see of the gateway: its metrics, what is noted of each request, logs and traces.

Knows nothing of requests for objects, nodes or Django, so that all other packages may import it;
and only it knows the libraries behind it.
"""
