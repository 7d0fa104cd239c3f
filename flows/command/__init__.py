"""The command `stillhouse`: one file for each of its verbs."""
