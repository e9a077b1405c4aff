"""``ai-lens bench``: what each file of a model costs on this machine, and which one to take."""
