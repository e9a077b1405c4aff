"""How learning goes, pass by pass: a page to look at while it goes on, and figures for programs."""
