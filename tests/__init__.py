"""The tests; a package by name, since an installed one of the same name would hide it otherwise."""
