"""The door to people and groups: what other rooms use, gathered from the modules that do it."""

from catalog.acting import acting_again, begin_request, record_acting_as, resolve_acting
from catalog.people_snapshot import known_people

__all__ = ["acting_again", "begin_request", "known_people", "record_acting_as", "resolve_acting"]
