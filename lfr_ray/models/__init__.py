"""Cards, weights and runtimes: what a model is, before anything uses it."""
