"""Calendars of experts and organizations, read for one thing: when they are busy.

`fetching` asks for a calendar and never for anything inside our own network, `screening` takes out
what would never end, `expansion` makes busy times of the rest, and `reading` does all three in a
process of its own, whose time and memory are bounded. `sources` keeps the addresses and what came
of them; titles, places and people of an event are never kept.
"""
