"""From frames to faces."""
