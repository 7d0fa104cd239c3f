"""Reading replies: what a careful person could read is read, and nothing is made up."""
