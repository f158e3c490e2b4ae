"""Where findings show: terminal, JSON, HTML and GitHub."""
