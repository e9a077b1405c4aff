"""What every page for people shares: the look, small pictures, and how a page is put together."""
