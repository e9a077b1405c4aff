"""ai-lens on TorchScript. Legacy: PyTorch deprecates it; use it only where LibTorch (C++) needs it."""
