"""``report.html``: what an evaluation found, for people."""
