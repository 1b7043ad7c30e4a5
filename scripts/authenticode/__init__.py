"""Authenticode: Windows binaries, their signatures, and the programs that sign them."""
