"""OpenAI's responses API, without a store on the server."""
