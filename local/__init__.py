"""Laptop stand-ins for what a GPU node provides: a model server, a GRPO loop, theorem families."""
