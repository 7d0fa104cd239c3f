"""How other services than OpenAI speak: one file each."""
