"""How bytes come in: as a form, as a plain body, or in pieces; one set of rules for all."""
