"""The report and its parts: tables, requirements and plots of the raw records."""
