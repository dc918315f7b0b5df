"""The systems that are asked the same questions, each in a process of its own with the same number of threads."""
