"""Benchmarks: the workbook compared with similar programs in the same run. See README.md."""
