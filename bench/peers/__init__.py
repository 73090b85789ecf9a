"""The field's own tools for the same questions, each driven as well as we know how."""
