"""Interception: what any HTTP library of this process asks Adyen is answered by one transport, or refused."""
