"""What will a schedule do? Laws of loss curves, fitted to logged runs and read off for others: one law a file."""
