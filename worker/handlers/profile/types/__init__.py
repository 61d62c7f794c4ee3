"""The type of every column: value formats, column plans, inference."""
