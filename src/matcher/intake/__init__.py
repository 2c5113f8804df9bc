"""From an application to its decision: requirements, interview, accepted or declined."""
