"""A shop with several domains, each an allowed origin of its client key."""
