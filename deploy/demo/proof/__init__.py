"""Proves that what was shown is true: counts violations, computes charges again, measures delays."""
