"""How bytes arrive: as a form, as a plain body or in chunks, with the same rules for all."""
