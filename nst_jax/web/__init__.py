"""The local page: its jobs, queue and pictures, and the server that shows them."""
