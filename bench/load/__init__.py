"""A load test: many simulated learners in one class, and what a runaway learner does to the others."""
