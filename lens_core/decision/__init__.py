"""Accept or recollect: calibration, the rule, messages and hints."""
