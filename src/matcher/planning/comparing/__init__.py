"""What a plan or a release changes, whom it disturbs, and why."""
