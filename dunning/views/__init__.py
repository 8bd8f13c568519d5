"""The pages of payments and reminders."""
