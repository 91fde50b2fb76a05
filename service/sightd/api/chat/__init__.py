"""POST /v1/chat/completions in OpenAI's form."""
