"""What belongs to one socket: its session, and that its messages run one after another."""
