"""The app: one page in the browser, Gradio 6 (extra `app`). Gradio is imported here only, and torch never."""
