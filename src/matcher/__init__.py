"""The programme of expert dispatch: its rules and use cases."""
