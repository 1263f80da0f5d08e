"""What turns pages into the site: Markdown fences, figures, templates, the runner."""
