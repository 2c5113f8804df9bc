"""What people would use otherwise, on the same work: hand rules, one CP-SAT model, Timefold."""
