#!/usr/bin/env python3
"""Time of one inference with LiteRT (XNNPACK), one thread: the yardstick for benches/engine.rs.

    pinhole export conv-96 --out conv-96.tflite
    python3 host/benches/litert.py FILE.tflite...

It takes ai-edge-litert and NumPy. Prints the least and the median of 50 means of 100 inferences, in milliseconds.
"""

import statistics
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    for path in sys.argv[1:]:
        interpreter = Interpreter(model_path=path, num_threads=1)
        interpreter.allocate_tensors()
        (given,) = interpreter.get_input_details()
        picture = np.arange(np.prod(given["shape"])) * 7 % 251
        interpreter.set_tensor(given["index"], (picture - 128).astype(np.int8).reshape(given["shape"]))
        times = []
        for _ in range(50):
            begun = time.perf_counter()
            for _ in range(100):
                interpreter.invoke()
            times.append((time.perf_counter() - begun) * 10)
        print(f"{path}: {min(times):.4f} ms, median {statistics.median(times):.4f} ms")


if __name__ == "__main__":
    main()
