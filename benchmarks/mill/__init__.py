"""The mill: speed beside other readers, and what comes back of polluted files."""
