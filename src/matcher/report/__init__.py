"""What a planner sees of a plan: its figures, tables for a terminal, and one picture."""
