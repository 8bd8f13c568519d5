"""The room's verbs: the only writers of its tables."""
