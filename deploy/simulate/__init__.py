"""What `groupbuy simulate` reads and shows: a ladder's prices and revenue at every fill, on a terminal or as SVG."""
