"""What the main jobs cost on this machine: `python -m benchmarks [NAME ...]`."""
