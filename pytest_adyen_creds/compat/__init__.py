"""What touches the inside of other projects: a module a project, and nowhere else; tests/compat says what changed."""
