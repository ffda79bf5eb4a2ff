"""Optimisation steps in PyTorch: eager, compiled, captured as a CUDA graph."""

from collections.abc import Callable

import numpy as np
import torch

from bench.runners.record import one_line
from bench.runners.torch_loss import StyleLoss
from bench.workload import Job, Workload

# Name -> (channels_last, compiled, one CUDA graph).
VARIANTS = {
    "eager": (False, False, False),  # As tutorials write it.
    "eager channels_last": (True, False, False),
    "compile": (True, True, False),
    "compile+graphs": (True, True, True),  # The strongest there is.
}


class Steps:
    """Runs a solver on a `StyleLoss`.

    With `graph`, Adam's whole step is one CUDA graph. L-BFGS branches on values that it
    reads back, so there the graph holds loss and gradient only.

    Attributes:
      loss: what is minimised.
      images: `[lanes, 3, h, w]` float32, in the pixel range of the loss.
      values: `[lanes]`, losses at the images before the last step.
    """

    def __init__(
        self,
        loss: StyleLoss,
        workload: Workload,
        *,
        compiled: bool = False,
        graph: bool = False,
    ):
        self.loss, self.workload = loss, workload
        self._function: Callable[[torch.Tensor], torch.Tensor] = loss
        if compiled:
            self._function = torch.compile(loss.__call__, fullgraph=True, dynamic=False)
        self._start = loss.start.repeat(workload.lanes, 1, 1, 1)
        self.images = self._start.clone().requires_grad_()
        self._optimizers = self._new_optimizers()
        self._refresh, self._step = self._differentiate, self._lbfgs
        if workload.solver == "adam":
            self._step = self._adam
        if graph and workload.solver == "adam":
            self._step = self._captured(self._adam)
        elif graph:
            self._refresh = self._captured(self._differentiate)
        self.restart()

    def _new_optimizers(self) -> list[torch.optim.Optimizer]:
        if self.workload.solver == "adam":
            rate = self.workload.learning_rate * self.loss.pixel_range
            capturable = self.images.is_cuda
            return [
                torch.optim.Adam([self.images], rate, fused=True, capturable=capturable)
            ]
        # One for each picture: several pictures in one would share their curvature.
        history = self.workload.history
        return [
            torch.optim.LBFGS([lane], max_iter=1, history_size=history)
            for lane in self.images.detach()
        ]

    def restart(self, styles: np.ndarray | None = None) -> None:
        """From the photo again, for the paintings `styles` if given."""
        if styles is not None:
            self.loss.retarget(styles)
        with torch.no_grad():
            self.images.copy_(self._start)
        if self.workload.solver == "adam":
            # In place: a captured graph knows the state by its address.
            for value in self._optimizers[0].state[self.images].values():
                value.zero_()
        else:
            self._optimizers = self._new_optimizers()

    def run(self, steps: int) -> None:
        """Makes steps and waits for them."""
        for _ in range(steps):
            self._step()
        if self.images.is_cuda:
            torch.cuda.synchronize()

    def pictures(self) -> np.ndarray:
        """`[lanes, h, w, 3]` in [0, 1], clipped."""
        return self.loss.pictures(self.images)

    def gradient(
        self, pictures: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Losses `[lanes]` and gradients at `pictures`, `[lanes, h, w, 3]`."""
        if pictures is not None:
            with torch.no_grad():
                self.images.copy_(self.loss.tensor(pictures))
        self._refresh()
        gradient = self._gradient * self.loss.pixel_range
        return self.values.cpu().numpy(), gradient.permute(0, 2, 3, 1).cpu().numpy()

    def _differentiate(self) -> None:
        values = self._function(self.images)
        (gradient,) = torch.autograd.grad(values.sum(), self.images)
        self.values, self._gradient = values.detach(), gradient.contiguous()

    def _adam(self) -> None:
        self._differentiate()
        self.images.grad = self._gradient
        self._optimizers[0].step()
        with torch.no_grad():
            self.images.clamp_(0, self.loss.pixel_range)

    def _lbfgs(self) -> None:
        self._refresh()
        for lane, optimizer in enumerate(self._optimizers):
            (image,) = optimizer.param_groups[0]["params"]
            image.grad = self._gradient[lane]
            optimizer.step(lambda value=self.values[lane]: value)

    @staticmethod
    def _captured(part: Callable[[], None]) -> Callable[[], None]:
        """`part` as a CUDA graph; what it leaves behind stays where it is."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # Compiles, chooses algorithms, makes Adam's state.
                part()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            part()
        return graph.replay


def build(
    job: Job, *, pixel_range: float = 1.0, workload: Workload | None = None
) -> tuple[Steps, dict[str, str]]:
    """The steps that a job asks for, and remarks for its record."""
    workload = workload or job.workload
    channels_last, compiled, graph = VARIANTS[job.variant]
    cuda = torch.cuda.is_available()
    torch.backends.cudnn.allow_tf32 = job.precision != "float32"
    torch.backends.cudnn.benchmark = compiled
    # Of float32 products; PyTorch's default is "highest".
    half = job.precision == "bfloat16"
    torch.set_float32_matmul_precision("high" if half else "highest")

    def steps(*, wide_products: bool) -> Steps:
        loss = StyleLoss(
            workload,
            device="cuda" if cuda else "cpu",
            precision=job.precision,
            channels_last=channels_last,
            pixel_range=pixel_range,
            wide_products=wide_products,
        )
        made = Steps(loss, workload, compiled=compiled, graph=graph and cuda)
        if not graph:  # A graph was captured by now.
            made.gradient()  # Fails here if it fails.
        return made

    if not (half and cuda):
        return steps(wide_products=False), {}
    try:
        return steps(wide_products=True), {"gram": "bfloat16 factors, float32 sums"}
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # An older PyTorch, or one that can't compile it.
        reason = one_line(error)
    return steps(wide_products=False), {"gram": f"float32 factors, as {reason}"}
