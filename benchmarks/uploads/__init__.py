"""How fast uploads come in, and what they cost the server."""
