"""What an image is made with."""
