"""The programme as a problem: who may serve whom, what stands, and what has changed since."""
