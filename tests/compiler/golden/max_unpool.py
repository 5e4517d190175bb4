"""Max unpooling: places are numbers of rows, and each image has rows of its own, so that threads share the images."""

import tinygrad_cv as tg
import tinygrad_cv.functional as F

unpool = tg.jit(lambda x, places: F.max_unpool2d(x, places, 2))
unpool(tg.zeros(8, 32, 8, 8), tg.zeros(8, 32, 8, 8, dtype="int64"))
