"""Pure optimization: a problem in, a plan out."""
