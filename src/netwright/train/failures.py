"""What the error of a training means, told by its kind and its words: frameworks have no common errors."""

from __future__ import annotations

# In the words of errors of PyTorch, TensorFlow and JAX. "memory" alone is no sign: an illegal access of it is another
# fault, which half of the batch does not mend.
FULL = (
    *("out of memory", "allocate memory", "not enough memory", "alloc_failed"),  # PyTorch, cuBLAS, cuDNN
    *("can't start new thread", "failed to map segment"),  # Python: a thread's stack, a library that is loaded late
    *("oom when", "resource_exhausted", "resource exhausted"),  # TensorFlow, JAX
)
OF_A_DEVICE = ("cuda error", "cuda driver", "cuda-capable", "cudnn", "cublas", "cusolver", "hip error", "nvrtc")


def short_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory did not suffice, of the computer or of a graphics card.

    >>> short_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    True
    >>> short_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))
    False
    """
    words = str(error).lower()
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"  # PyTorch's, not imported here
    return named or any(sign in words for sign in FULL)


def of_the_device(error: BaseException) -> bool:
    """Return whether an error is one of a graphics card, whatever it computed.

    >>> of_the_device(RuntimeError("CUDA error: unspecified launch failure"))
    True
    """
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in words for sign in OF_A_DEVICE)


def in_words(error: BaseException) -> str:
    r"""Return an error as the end of a sentence: its first line, after its kind unless the words tell that.

    >>> in_words(RuntimeError("CUDA error: unspecified launch failure\nCompile with ..."))
    'CUDA error: unspecified launch failure'
    >>> in_words(KeyError("x"))
    "KeyError: 'x'"
    """
    words = str(error).strip().partition("\n")[0].removesuffix(".")
    if isinstance(error, RuntimeError) and words:
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
