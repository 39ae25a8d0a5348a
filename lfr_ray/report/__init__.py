"""Pages and charts made of plain values."""
