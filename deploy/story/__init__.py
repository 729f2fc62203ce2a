"""Explanations and stories of seats, read by the public calls of the services and told in text."""
