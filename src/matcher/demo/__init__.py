"""The year of the sample, played from its applications to its calendars, in a folder of its own."""
