"""How fast the workbook is: each figure side by side with a peer, in one run. See README.md."""
