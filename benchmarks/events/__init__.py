"""How fast changes reach everyone who watches, and how fast the page is served."""
