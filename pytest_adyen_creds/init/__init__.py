"""``adyen-creds init``: what a project needs to begin with, written into it."""
