"""ai-lens on OpenVINO: ``exporter`` writes the files with PyTorch, ``runtime`` answers from them without."""
