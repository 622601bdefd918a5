"""What is measured: declared once, read in each process, joined over the processes of one collector."""
