"""What others rely on: golden messages, generated schemas, the page about them."""
