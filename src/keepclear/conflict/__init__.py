"""Plans against plans, in continuous time. Pure; on values."""
