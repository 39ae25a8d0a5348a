"""From faces to tracks, and the best views of each."""
