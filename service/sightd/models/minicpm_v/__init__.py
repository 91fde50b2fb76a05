"""MiniCPM-V 2.6 and MiniCPM-o 2.6 (what it sees and reads): no line of the checkpoint's own code is run."""
