"""The doors of people: the entrance, who is a member and in which role, and the keys."""
