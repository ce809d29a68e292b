"""The pure state machine: from what is written down and what is seen to what is written down next, and done."""
