"""One folder a lab: its source, with solutions, and its hidden inputs."""
