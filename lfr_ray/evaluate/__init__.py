"""How well it recognises, in the field's own terms."""
