"""The Hugging Face Hub: publish a model, fetch one, put the app on a Space."""
