"""What is asked of work and bills; each answer says what it costs to ask."""
