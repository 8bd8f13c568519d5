"""News for the outside: events written in the transaction of the deed, numbered without gaps."""
