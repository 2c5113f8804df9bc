"""What happens after the decision: sessions that are given, cancelled, held."""
