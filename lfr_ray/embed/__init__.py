"""From aligned faces to vectors."""
