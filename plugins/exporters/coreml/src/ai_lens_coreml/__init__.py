"""ai-lens on Core ML: ``exporter`` writes packages on any machine, ``runtime`` answers from them on macOS."""
