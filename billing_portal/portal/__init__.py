"""What every page shares: the frame, inbox, search, the template tags."""
