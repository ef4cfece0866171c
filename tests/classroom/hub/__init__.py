"""A class of two in a browser. The tests of this folder share it: pytest's scope `package` needs this file."""
