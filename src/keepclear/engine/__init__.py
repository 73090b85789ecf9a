"""The engines as a library: what `import keepclear as kc` gives, with plans and positions in any shape."""
