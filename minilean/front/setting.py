"""An attribute with another value for the length of a `with` block.

A class, not a generator under `contextlib.contextmanager`: the elaborator enters thousands of such
blocks in a millisecond's work, and this costs a third. Run: `python -m pytest tests/minilean`.
"""


class Setting:
    """`with Setting(obj, "name", value):` sets obj.name and puts the old value back."""

    __slots__ = ("name", "obj", "old", "value")

    def __init__(self, obj, name, value):
        self.obj, self.name, self.value = obj, name, value

    def __enter__(self):
        self.old = getattr(self.obj, self.name)
        setattr(self.obj, self.name, self.value)

    def __exit__(self, *exc):
        setattr(self.obj, self.name, self.old)
