"""The fixture ``run`` of the unit tests, which profiles bytes."""

from tests.unit.conftest import run as run
