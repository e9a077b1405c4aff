"""From photos to a trained model (PyTorch lives here)."""
