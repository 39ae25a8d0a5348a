"""Where everything of a site lies."""
