"""What every benchmark is made with: figures, alternating rounds, processes and their CPU time, the report."""
