"""What carries out a large job's pieces: threads of this process, a cluster, or a simulation of one, for tests."""
