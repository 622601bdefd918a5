"""Forget a person: keep them out first, erase them everywhere, look whether anything is left, sign what was done."""
