"""The text model of a city: rows to learn from, training, measuring, comparing. Used by `paidan model`; no service
imports it, and only training needs scikit-learn."""
