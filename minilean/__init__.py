"""A small Lean 4 in pure Python: trusted `kernel`, untrusted `front`, core library in `library`."""
