"""Decodes images for the model.onnx beside this file. It needs numpy and Pillow."""

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

MOST_PIXELS = 100_000_000  # of one image: a bomb unpacks to more


def pixels(path: str, size: str) -> NDArray[np.uint8]:
    """Return an image as its camera meant it, transparent pixels on white, in the size and colours of the model.

    Args:
        path: of the file.
        size: height, width and channels, such as 28x28x1.
    """
    height, width, channels = (int(number) for number in re.findall(r"\d+", size))
    mode = "L" if channels == 1 else "RGB"
    with Image.open(path) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise ValueError(f"{path} has more than {MOST_PIXELS:,} pixels")
        opened.draft(None, (2 * width, 2 * height))
        image = ImageOps.exif_transpose(opened)
        if image.has_transparency_data:
            colour = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", colour.size, "white"), colour)
        image = image.convert(mode)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image).reshape(height, width, channels)
