"""How fast the kit is, as ratios to floors measured in the same run: `make bench`; see README.md in this folder."""
