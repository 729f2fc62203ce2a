"""The metrics of pictures. No label names a platform."""

from prometheus_client import Counter

FETCHES = Counter(
    "groupbuy_image_fetches_total", "Attempts to fetch pictures of products: new, unchanged or failed.", ["outcome"]
)
