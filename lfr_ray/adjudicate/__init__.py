"""From alerts to people's decisions and outcomes."""
