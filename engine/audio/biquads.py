"""Second-order sections over many rows at once, without a loop over samples.

A cascade of sections is a linear system with a state of two numbers a section. Over a block of samples its output is
the block through the impulse response plus the state through its own response, and the state after the block is linear
in both; so a frame is three matrix products for all rows together: blocks to outputs and pushes, pushes to the states
between the blocks, states to what they add to the outputs. The arithmetic is float32; the state is scaled so that
white noise of power one gives each of its numbers power one (input-normal form), which keeps rounding some 120 dB
below the signal even for poles close to one.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Section = tuple[float, float, float, float, float]
"""Coefficients b0, b1, b2, a1, a2 of one second-order section; a0 is 1."""

_BLOCK = 32
"""Samples in a block: the least work for frames of 480 and 960 samples."""

_LARGEST, _SMALLEST = 1e6, 1e-15
"""A state outside is not sound: infinite or NaN would stay for good, denormal numbers take a processor long."""

_Samples = NDArray[np.float32]
_Design = NDArray[np.floating]


class _Matrices(NamedTuple):
    """What a cascade is for frames of one length; computing it takes longer than a mix is made in, so all share it."""

    rest: _Samples
    impulse: _Samples
    pushes: _Samples
    scan: _Samples
    readout: _Samples


class Biquads:
    """One cascade of sections, with a state of its own for each of ``capacity`` slots."""

    def __init__(self, capacity: int, samples: int, sections: Sequence[Section], rows: int | None = None) -> None:
        """Prepare for up to ``rows`` (all slots if left out) frames of ``samples``, a multiple of 32, at a time.

        The first one of a cascade and a length computes their matrices, 1 to 2 ms; every other one takes microseconds.
        """
        matrices = _matrices(tuple(sections), samples)
        order, blocks = len(matrices.rest), samples // _BLOCK
        rows = capacity if rows is None else rows
        self._rest, self._impulse, self._pushes, self._scan, self._readout = matrices
        self._state = np.zeros((capacity, order), np.float32)
        self._chain = np.empty((rows, (blocks + 1) * order), np.float32)
        self._direct = np.empty((rows * blocks, _BLOCK), np.float32)
        self._carried = np.empty((rows * blocks, _BLOCK), np.float32)

    def process(self, slots: NDArray[np.intp], rows: _Samples, out: _Samples) -> None:
        """Filter ``rows`` (n, samples) into ``out``, which may be ``rows``; each goes on from its slot's state.

        Both are C-contiguous and finite; what is not finite leaves its slot's state at rest.
        """
        count, order = len(rows), self._state.shape[1]
        blocks, chain = rows.reshape(-1, _BLOCK), self._chain[:count]
        chain[:, :order] = self._state[slots]
        chain[:, order:] = np.matmul(blocks, self._pushes).reshape(count, -1)
        states = np.matmul(chain, self._scan)
        self._keep(slots, states[:, -order:])
        direct = np.matmul(blocks, self._impulse, out=self._direct[: len(blocks)])
        before = states[:, :-order].reshape(-1, order)
        carried = np.matmul(before, self._readout, out=self._carried[: len(blocks)])
        np.add(direct, carried, out=out.reshape(blocks.shape))

    def settle(self, slots: NDArray[np.intp], values: _Samples) -> None:
        """Put slots in the state that a constant input of ``values`` (n,) would have brought them to."""
        self._state[slots] = values[:, None] * self._rest

    def reset(self, slot: int) -> None:
        """Forget what a slot has heard."""
        self._state[slot] = 0.0

    def _keep(self, slots: NDArray[np.intp], states: _Samples) -> None:
        size = np.abs(states)
        self._state[slots] = np.where((size > _SMALLEST) & (size < _LARGEST), states, np.float32(0.0))


@functools.lru_cache(maxsize=8)
def _matrices(sections: tuple[Section, ...], samples: int) -> _Matrices:
    """Return the matrices of a cascade for frames of ``samples``; read-only, since all its filters share them."""
    a, b, c, d = _input_normal(*_cascade(sections))
    found = (
        np.linalg.solve(np.eye(len(b)) - a, b),
        _impulse(a, b, c, d),
        _pushes(a, b),
        _scan(np.linalg.matrix_power(a, _BLOCK), samples // _BLOCK),
        _readout(a, c),
    )
    matrices = _Matrices(*(matrix.astype(np.float32) for matrix in found))
    for matrix in matrices:
        matrix.setflags(write=False)
    return matrices


def _cascade(sections: Sequence[Section]) -> tuple[_Design, _Design, _Design, float]:
    """Return A, B, C, D of the sections one after another, each in transposed direct form II."""
    a, b, c, d = np.zeros((0, 0)), np.zeros(0), np.zeros(0), 1.0
    for b0, b1, b2, a1, a2 in sections:
        push = np.array([b1 - a1 * b0, b2 - a2 * b0])
        own = np.array([[-a1, 1.0], [-a2, 0.0]])
        a = np.block([[a, np.zeros((len(a), 2))], [np.outer(push, c), own]])
        b = np.concatenate([b, push * d])
        c = np.concatenate([b0 * c, [1.0, 0.0]])
        d *= b0
    return a, b, c, d


def _input_normal(a: _Design, b: _Design, c: _Design, d: float) -> tuple[_Design, _Design, _Design, float]:
    """Change the state's coordinates so that its covariance under white noise is the identity."""
    order = len(b)
    covariance = np.linalg.solve(np.eye(order * order) - np.kron(a, a), np.outer(b, b).ravel())
    scale = np.linalg.cholesky(covariance.reshape(order, order))
    return np.linalg.solve(scale, a @ scale), np.linalg.solve(scale, b), c @ scale, d


def _powers(a: _Design) -> list[_Design]:
    return [np.linalg.matrix_power(a, exponent) for exponent in range(_BLOCK)]


def _impulse(a: _Design, b: _Design, c: _Design, d: float) -> _Design:
    """Return what each input sample of a block (row) gives to each output sample (column), shape (32, 32)."""
    response = [d] + [float(c @ power @ b) for power in _powers(a)[:-1]]
    return np.array([[0.0] * start + response[: _BLOCK - start] for start in range(_BLOCK)])


def _pushes(a: _Design, b: _Design) -> _Design:
    """Return what each input sample of a block gives to the state after it, shape (32, order)."""
    return np.array([power @ b for power in reversed(_powers(a))])


def _readout(a: _Design, c: _Design) -> _Design:
    """Return what the state before a block gives to each output sample, shape (order, 32)."""
    return np.array([c @ power for power in _powers(a)]).T


def _scan(step: _Design, blocks: int) -> _Design:
    """Return the matrix from (first state, push of each block) to the states at all borders of the blocks."""
    order = len(step)
    steps = [np.linalg.matrix_power(step, exponent).T for exponent in range(blocks + 1)]
    size = (blocks + 1) * order
    scan = np.zeros((size, size))
    for start in range(blocks + 1):
        for end in range(start, blocks + 1):
            scan[start * order : (start + 1) * order, end * order : (end + 1) * order] = steps[end - start]
    return scan
