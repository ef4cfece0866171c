"""One module per provider behind one protocol, and which of them is used."""
