"""The trusted kernel: levels, terms, reduction, typing, inductive types, environment."""
