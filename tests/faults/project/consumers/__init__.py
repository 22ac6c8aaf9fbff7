"""Consumers of the scenarios, by theme."""
