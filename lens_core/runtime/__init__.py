"""From an artifact to an answer, without PyTorch."""
