"""DuckDB, locked down: loading CSV, writing Parquet, counting records."""
