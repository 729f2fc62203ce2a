"""What one partition keeps: batches in segment files, what producers sent last, retention and compaction."""
