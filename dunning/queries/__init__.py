"""What is asked of payments, bank files and reminders."""
