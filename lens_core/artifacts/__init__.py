"""Files that can answer: their container, integrity, manifest and gallery."""
