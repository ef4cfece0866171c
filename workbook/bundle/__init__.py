"""A bundle: everything that a class needs without a network, in one folder."""
