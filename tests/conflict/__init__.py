"""Plans against plans."""
