"""Measuring a model: splits, metrics, thresholds."""
