"""One engagement at a time: offered, held, assigned into what is published."""
