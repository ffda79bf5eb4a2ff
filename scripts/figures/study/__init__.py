"""What the figures share: a grid of results, made in few programs and shown as one."""
