"""The roles that a suite really needs: observed, derived, proven."""
