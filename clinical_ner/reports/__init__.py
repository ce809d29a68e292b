"""Reports that people open: HTML of one file each, and Markdown; pure functions from values to text."""
