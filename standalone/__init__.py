"""Runs everything on one machine: embedded servers, migrations, web and worker."""
