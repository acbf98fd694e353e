"""What the tests of the whole gateway share: servers, clients, loads, and how to wait."""
