"""A project whose consumers note down what they do, and wait for the test where they are told to.

Read from the environment: DIRECTORY (for notes and signs), LAYER (more of the layer's CONFIG, as
JSON), ROUTING (another one), ALIAS (of the layer that asgi.py serves).
"""
