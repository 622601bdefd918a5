"""The fault rig: the real collector, the real engine and the real SDK, with every fault that the promise must survive.

`make faults` runs the long form and prints the matrix.
"""
