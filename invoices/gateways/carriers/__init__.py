"""How a file reaches a carrier and its answer comes back: one kind of channel, one module.

``base`` says what every channel takes, gives and fails with; ``recipe`` describes a carrier's pages
as data; ``browser`` follows a recipe in a real Chromium.
"""
