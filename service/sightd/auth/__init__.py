"""Who may call: keys, what each of them may do, and how much of it."""
