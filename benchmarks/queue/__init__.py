"""How many durable jobs a second, and how soon one that comes alone is done."""
