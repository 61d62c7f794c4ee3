"""What a profile publishes: summary, warnings, artifacts."""
