"""A site whose page uses the JavaScript bridge: a list that is bound to a model."""
