"""The parts of bench/compare: figures and report, contestants, loads, and one file for each family of rows."""
