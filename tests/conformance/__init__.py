"""Cases from other tools' tests and documents, asked of Parcours: `python -m tests.conformance FILE…`."""
