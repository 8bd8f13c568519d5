"""What the books may be asked to do: post, reverse, receive, allocate, close."""
