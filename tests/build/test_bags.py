import pytest
import torch
from torch.nn import functional

from netwright.build.bags import weighted_sums


@pytest.mark.parametrize("numbers", [torch.int32, torch.int64])
def test_weighted_sums_and_their_gradient_are_those_of_pytorch(numbers: torch.dtype) -> None:
    """Bags may hold a vector twice, or with a weight of 0; some vectors stand in none."""
    torch.manual_seed(0)
    names = torch.randint(0, 20, (6, 9), dtype=numbers)
    names[0, :3] = 0
    weights = torch.rand(6, 9)
    weights[0, :2] = 0
    wanted = torch.randn(6, 4)
    gradients = []
    for sums in (weighted_sums, usual):
        vectors = torch.linspace(-1, 1, 120).reshape(30, 4).requires_grad_()
        found = sums(vectors, names, weights)
        torch.testing.assert_close(found.detach(), usual(vectors.detach(), names, weights))
        (found * wanted).sum().backward()
        assert vectors.grad is not None
        gradients.append(vectors.grad)
    torch.testing.assert_close(*gradients)
    assert not gradients[0][20:].any()


def test_the_gradient_of_a_sum_lies_in_memory_like_the_vectors() -> None:
    """A gradient that is one number stretched over all is no matrix that can be read row by row."""
    vectors = torch.ones(5, 3, requires_grad=True)
    weighted_sums(vectors, torch.tensor([[0, 1], [1, 4]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    torch.testing.assert_close(vectors.grad, torch.tensor([1.0, 5.0, 0.0, 0.0, 4.0])[:, None].expand(5, 3))


def usual(vectors: torch.Tensor, names: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the sums as PyTorch finds them."""
    return functional.embedding_bag(names, vectors, mode="sum", per_sample_weights=weights)
