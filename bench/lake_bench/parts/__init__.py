"""What is measured: a module for each part, with `ABOUT` and `measure`."""
