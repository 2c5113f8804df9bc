"""What organizations are told in writing: letters, the outbox, and the mail that carries them."""
