"""ai-lens on ONNX: ``exporter`` writes the file with PyTorch, ``runtime`` answers from it without."""
