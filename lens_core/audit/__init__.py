"""What is wrong with a museum's photos, and what to do about it, before anything is trained."""
