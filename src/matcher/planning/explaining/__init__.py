"""Why an engagement is served as it is, and what would help."""
