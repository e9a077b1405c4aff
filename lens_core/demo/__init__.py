"""The museum that ``ai-lens demo`` draws when there is no data: see ``exhibition``."""
