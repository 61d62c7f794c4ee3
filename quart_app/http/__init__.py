"""What every route shares: back-pressure, access checks, headers, parameters, problem details."""
