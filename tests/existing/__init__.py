"""The tests of this folder share a cluster, from the first one to the last: pytest's scope `package` needs this file."""
