"""Options of the solver that changes the pixels."""

import dataclasses

from nst_jax import fields
from nst_jax.fields import above, choices, one_of
from nst_jax.options.picture import SIZES, STEPS

_LBFGS: fields.Needs = {"solver": one_of("lbfgs"), **STEPS}


@dataclasses.dataclass(frozen=True)
class Solving:
    """The solver, and what is kept of its iterates."""

    solver: str = fields.solver(
        "lbfgs",
        "lbfgs needs the fewest steps; adam and rmsprop the least memory.",
        choices=choices("optimize.solvers", "lbfgs=LBFGS adam=ADAM rmsprop=RMSPROP"),
        needs=STEPS,
    )
    learning_rate: float | None = fields.solver(
        None,
        "Step size (default: 1 for lbfgs; of the pixel range 0.04 for adam, 0.006 for "
        "rmsprop).",
        check=fields.POSITIVE,
        needs=STEPS,
    )
    learning_rate_decay: str | None = fields.solver(
        None,
        "Decay of the step size to 0 over --steps (default: cosine for adam, none for "
        "the others).",
        choices=choices("optimize.solvers", "none cosine=cosine"),
        needs={"steps": above(1)},
    )
    history: int = fields.solver(
        20,
        "L-BFGS: steps remembered, two images of memory each.",
        check=fields.HISTORY,
        needs={**_LBFGS, "steps": above(1)},
    )
    preconditioner: str = fields.solver(
        "multiscale",
        "L-BFGS: multiscale moves large shapes first and needs 1.3 to 1.9 times fewer "
        "iterations for the same loss; none is the plain method.",
        choices=choices("optimize.preconditioner", "multiscale=multiscale none"),
        needs=_LBFGS,
    )
    bounds: str = fields.solver(
        "box",
        "L-BFGS: box keeps every iterate within [0, 1], so that nothing is lost when "
        "the result is confined to it; none is the plain method, which confines the "
        "result only. Adam and RMSprop always keep to the box.",
        choices=choices("optimize.solvers", "box=PIXEL_BOX none"),
        needs=_LBFGS,
    )
    adam_epsilon: float = fields.solver(
        1e-8,
        "Adam: added to the root of the second moment. Larger ones, such as 1e-4, "
        "avoid grey spots.",
        check=fields.POSITIVE,
        needs={"solver": one_of("adam"), **STEPS},
    )
    adam_beta2: float = fields.solver(
        0.999,
        "Adam: decay of the second moment.",
        check=(lambda value: 0 <= value < 1, "a number, 0 or more and below 1"),
        needs={"solver": one_of("adam"), **STEPS},
    )
    coordinates: str = fields.solver(
        "pixels",
        "Adam and RMSprop: what a step moves about equally far: pixels, or the "
        "coefficients of a Laplacian pyramid (laplacian), so that large shapes move "
        "as soon as small ones.",
        choices=choices("optimize.coordinates", "pixels=pixels laplacian=laplacian"),
        needs={"solver": one_of("adam", "rmsprop"), **STEPS},
    )
    laplacian_levels: int = fields.solver(
        5,
        "How often the size is halved in the Laplacian pyramid of --coordinates.",
        check=(lambda value: 1 <= value <= 12, "a whole number, 1 to 12"),
        needs={
            "coordinates": one_of("laplacian"),
            "solver": one_of("adam", "rmsprop"),
            **STEPS,
        },
    )
    carry: str = fields.solver(
        "none",
        "What the solver takes along from one size of the pyramid to the next: none, "
        "or Adam's moments of pixels, enlarged.",
        choices=choices("optimize.carried", "none moments=moments"),
        needs={
            **SIZES,
            "solver": one_of("adam"),
            "coordinates": one_of("pixels"),
            **STEPS,
        },
    )
    average: float = fields.solver(
        0.0,
        "Decay of a moving average of the iterates, such as 0.99, which is the result "
        "then, and where the next size begins; 0: the iterate of the lowest loss is.",
        check=(lambda value: 0 <= value < 1, "a number, 0 or more and below 1"),
        needs=STEPS,
    )
