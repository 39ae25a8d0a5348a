"""A site as a whole: opened, closed, erased, verified, and what is due by the clock."""
