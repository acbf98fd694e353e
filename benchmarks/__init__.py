"""The instrument: what the gateway costs, beside the node itself and nginx in front of it."""
