"""How good predictions are: span scores with intervals, confusion, slices."""
