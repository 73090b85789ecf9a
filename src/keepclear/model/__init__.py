"""What parties say, as frozen typed values. Floor 0: it imports nothing of keepclear."""
