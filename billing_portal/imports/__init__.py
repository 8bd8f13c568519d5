"""Large files: kept as they came, taken in by a job, and answered where whoever sent them looks."""
