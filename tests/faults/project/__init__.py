"""The Django project that the scenarios run."""
