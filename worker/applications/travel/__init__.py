"""State that travels: what a class consumer has set on itself, as bytes, and back. No pickle."""

from worker.applications.travel.errors import CannotTravel, UnreadableState
from worker.applications.travel.reading import unpack_state
from worker.applications.travel.writing import pack_state

__all__ = ["CannotTravel", "UnreadableState", "pack_state", "unpack_state"]
