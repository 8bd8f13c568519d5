"""Is the installation well? Figures for monitoring, and the doctor. Reads only; knows no room.

Rooms register what they know of themselves by dotted name in the settings.
"""
