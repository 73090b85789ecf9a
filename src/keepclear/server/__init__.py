"""The listeners of a node: the local API with the live stream and the console's files, and the one for peers."""
