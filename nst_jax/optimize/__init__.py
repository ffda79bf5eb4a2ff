"""The optimisation: solvers and the one engine that runs them on the device."""
